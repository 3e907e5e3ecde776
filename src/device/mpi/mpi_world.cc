#include "device/mpi/mpi_world.h"

#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>

namespace troika {
namespace {

/// A message on its way; MPI looks at the bytes until the request is done.
struct Sending {
  std::vector<std::byte> bytes;
  MPI_Request request = MPI_REQUEST_NULL;
};

}  // namespace

struct MpiShared {
  std::mutex mutex;  // one call of MPI at a time, whichever thread it comes from
  MPI_Comm ranks = MPI_COMM_NULL;
  std::deque<Sending> abandoned;  // of channels that are gone, to ranks that did not take them
};

namespace {

/// Errors that MPI returns; those of a rank that is gone are among them.
Status checked(int result, std::string_view what) {
  if (result == MPI_SUCCESS) return ok();
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(result, text, &length);
  return fail(ErrorCode::device_lost, "{}: {}", what, text);
}

class MpiChannel final : public Channel {
 public:
  MpiChannel(std::shared_ptr<MpiShared> shared, int peer, int tag)
      : shared_(std::move(shared)), peer_(peer), tag_(tag) {}
  ~MpiChannel() override {
    const std::lock_guard lock(shared_->mutex);
    for (Sending& sending : sendings_) shared_->abandoned.push_back(std::move(sending));
  }

  Status send(std::span<const std::byte> head, std::span<const std::byte> body) override {
    const std::lock_guard lock(shared_->mutex);
    if (head.size() + body.size() > kMessageBytesMax)
      return fail(ErrorCode::invalid_argument,
                  "a message of {} bytes to rank {}, wanted {} at most", head.size() + body.size(),
                  peer_, kMessageBytesMax);
    TROIKA_RETURN_IF_ERROR(reap());
    Sending sending;
    if (!spare_.empty()) {
      sending.bytes = std::move(spare_.back());
      spare_.pop_back();
    }
    sending.bytes.assign(head.begin(), head.end());
    sending.bytes.insert(sending.bytes.end(), body.begin(), body.end());
    // The bytes of a vector stay where they are when it is moved.
    TROIKA_RETURN_IF_ERROR(
        checked(MPI_Isend(sending.bytes.data(), static_cast<int>(sending.bytes.size()), MPI_BYTE,
                          peer_, tag_, shared_->ranks, &sending.request),
                "send"));
    sendings_.push_back(std::move(sending));
    return ok();
  }

  Result<bool> poll(std::vector<std::byte>& message) override {
    const std::lock_guard lock(shared_->mutex);
    TROIKA_RETURN_IF_ERROR(reap());
    if (receiving_ == MPI_REQUEST_NULL) {
      TROIKA_TRY(const bool begun, begin_receiving());
      if (!begun) return false;
    }
    int done = 0;
    TROIKA_RETURN_IF_ERROR(checked(MPI_Test(&receiving_, &done, MPI_STATUS_IGNORE), "receive"));
    if (done == 0) return false;
    receiving_ = MPI_REQUEST_NULL;
    std::swap(message, received_);
    return true;
  }

  Result<bool> sent() override {
    const std::lock_guard lock(shared_->mutex);
    TROIKA_RETURN_IF_ERROR(reap());
    return sendings_.empty();
  }

 private:
  static constexpr size_t kMessageBytesMax = size_t{1} << 30;  // counts of MPI are int
  static constexpr size_t kSpares = 4;

  /// Matched probe: the length is known before the message is taken.
  Result<bool> begin_receiving() {
    int there = 0;
    MPI_Message matched = MPI_MESSAGE_NULL;
    MPI_Status about;
    TROIKA_RETURN_IF_ERROR(
        checked(MPI_Improbe(peer_, tag_, shared_->ranks, &there, &matched, &about), "look"));
    if (there == 0) return false;
    int bytes = 0;
    TROIKA_RETURN_IF_ERROR(checked(MPI_Get_count(&about, MPI_BYTE, &bytes), "count"));
    received_.resize(static_cast<size_t>(bytes));
    TROIKA_RETURN_IF_ERROR(
        checked(MPI_Imrecv(received_.data(), bytes, MPI_BYTE, &matched, &receiving_), "receive"));
    return true;
  }

  /// Takes back what has left. MPI goes on with all that is under way in each such call.
  Status reap() {
    while (!sendings_.empty()) {
      int done = 0;
      TROIKA_RETURN_IF_ERROR(
          checked(MPI_Test(&sendings_.front().request, &done, MPI_STATUS_IGNORE), "send"));
      if (done == 0) return ok();
      if (spare_.size() < kSpares) spare_.push_back(std::move(sendings_.front().bytes));
      sendings_.pop_front();
    }
    return ok();
  }

  std::shared_ptr<MpiShared> shared_;
  int peer_;
  int tag_;
  std::deque<Sending> sendings_;  // in order
  std::vector<std::vector<std::byte>> spare_;
  std::vector<std::byte> received_;
  MPI_Request receiving_ = MPI_REQUEST_NULL;
};

}  // namespace

Result<std::unique_ptr<MpiWorld>> MpiWorld::join() {
  int provided = MPI_THREAD_SINGLE;
  TROIKA_RETURN_IF_ERROR(
      checked(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init"));
  // Constants of MPI need not be constants of the language, so no table of them.
  if (provided != MPI_THREAD_SERIALIZED && provided != MPI_THREAD_MULTIPLE)
    return fail(ErrorCode::unsupported,
                "this MPI allows calls from one thread alone, wanted MPI_THREAD_SERIALIZED");
  std::unique_ptr<MpiWorld> world(new MpiWorld);
  world->shared_ = std::make_shared<MpiShared>();
  world->shared_->ranks = MPI_COMM_WORLD;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int rank = 0;
  int ranks = 1;
  TROIKA_RETURN_IF_ERROR(checked(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank"));
  TROIKA_RETURN_IF_ERROR(checked(MPI_Comm_size(MPI_COMM_WORLD, &ranks), "MPI_Comm_size"));
  world->rank_ = rank;
  world->ranks_ = ranks;
  return world;
}

MpiWorld::~MpiWorld() = default;

Result<std::vector<std::string>> MpiWorld::tell_all(std::string_view text) {
  if (text.size() > kTextBytesMax)
    return fail(ErrorCode::invalid_argument, "a text of {} bytes to all ranks, wanted at most {}",
                text.size(), kTextBytesMax);
  // Equal lengths, so that ranks of any version understand each other here.
  constexpr size_t kBytes = kTextBytesMax + 1;
  std::vector<char> mine(kBytes);
  std::ranges::copy(text, mine.begin());
  std::vector<char> all(kBytes * static_cast<size_t>(ranks_));
  const std::lock_guard lock(shared_->mutex);
  TROIKA_RETURN_IF_ERROR(checked(
      MPI_Allgather(mine.data(), kBytes, MPI_CHAR, all.data(), kBytes, MPI_CHAR, shared_->ranks),
      "MPI_Allgather"));
  std::vector<std::string> texts;
  for (size_t at = 0; at < all.size(); at += kBytes)
    texts.emplace_back(all.data() + at, strnlen(all.data() + at, kTextBytesMax));
  return texts;
}

std::unique_ptr<Channel> MpiWorld::channel(int64_t peer, int tag) {
  return std::make_unique<MpiChannel>(shared_, static_cast<int>(peer), tag);
}

void MpiWorld::end() {
  const std::lock_guard lock(shared_->mutex);
  MPI_Finalize();
}

void MpiWorld::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace troika
