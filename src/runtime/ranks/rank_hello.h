// What ranks tell each other before they work together, and whether they may. All ranks hear all of
// it and come to the same answer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace troika {

/// One rank. A text of lines "key=value", which ranks of other versions read as far as they can.
struct RankHello {
  std::string version;          // of the program
  std::string build;            // a hash of it
  std::string host;             // for messages
  std::string machine;          // the same for ranks that share memory and processors
  std::string network;          // the same for ranks that reach each other inside the kernel
  std::string public_address;   // one that anybody on the Internet may reach; empty: none
  std::vector<int> processors;  // that the rank may run on, ascending
  std::string model;            // what the files are, as far as it matters
  int64_t memory_bytes = 0;     // that is free on its machine
  std::string error;            // why it cannot take part; empty: it can

  std::string text() const;
  static RankHello read(std::string_view text);
};

/// Fills in what the system tells: host, machine, network, public_address, processors, memory.
/// `build` is a hash of the running program.
RankHello hello_of_this_machine();

/// Whether `address`, as text, is one of a private network or of one machine alone.
/// Sources: RFC 1918, 4193, 3927, 4291, 6598.
bool is_private_address(std::string_view address);

/// Whether these ranks may work together. Errors, each naming a rank and its host: that rank's own;
/// invalid_argument — another program or another model than rank 0's, or, if ranks are on several
/// machines or networks, a public address, unless `trust_network`.
Status check_ranks(std::span<const RankHello> ranks, bool trust_network);

/// How many ranks of its machine `rank` shares processors with, itself included.
int64_t ranks_beside(std::span<const RankHello> ranks, size_t rank);

}  // namespace troika
