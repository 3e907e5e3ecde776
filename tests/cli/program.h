// Runs the built program as a user would, and keeps what it says.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace troika::testing {

/// How a run ended.
struct Outcome {
  int status = -1;    // the exit status; 128 + n after signal n
  std::string out;    // stdout
  std::string error;  // stderr
};

/// One running `troika`. Its stdout is a pipe to us; stdin and stderr are files, so that nothing
/// can wait for anybody else.
class Program {
 public:
  /// Starts `troika` with `arguments` and `input` on stdin.
  explicit Program(const std::vector<std::string>& arguments, const std::string& input = "");
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Waits for some of stdout; what came is also kept for finish(). False at its end.
  bool read_some();
  /// Hangs up: nobody reads stdout any more.
  void close_out();
  void signal(int number);
  /// Reads the rest and waits for the end.
  Outcome finish();

 private:
  int pid_ = -1;
  int out_ = -1;
  std::string out_text_;
  std::filesystem::path input_, error_;
};

/// Starts and finishes.
Outcome troika(const std::vector<std::string>& arguments, const std::string& input = "");

/// A folder of its own for one test, removed with everything in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  /// Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& content) const;
  /// Names of the files in it, hidden ones included.
  std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};

/// The model fixture `name` ("llama-f32") of the subset under tests/.
std::string model_file(const std::string& name);
/// The file that goes with it: "llama.tokens.txt".
std::string model_side_file(const std::string& name);

/// A copy in `folder` of the hybrid model with a draft head, with a ChatML template.
std::string chat_model(const Folder& folder);

/// Expects that a run failed as failures must: `status`, nothing on stdout, and one line on stderr
/// that opens with "troika: " and holds `words`.
void expect_refusal(const Outcome& outcome, int status, const std::string& words);

}  // namespace troika::testing
