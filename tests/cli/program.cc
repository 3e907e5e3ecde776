#include "cli/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <stdexcept>

#include "gguf/file.h"
#include "support/gguf_builder.h"
#include "support/npy.h"
#include "support/shared.h"

namespace troika::testing {
namespace {

std::filesystem::path scratch_name() {
  std::string name = (std::filesystem::temp_directory_path() / "troika-cli-XXXXXX").string();
  const int descriptor = mkstemp(name.data());
  if (descriptor < 0) throw std::runtime_error("cannot create " + name);
  close(descriptor);
  return name;
}

/// In the child: becomes the program. Never returns.
[[noreturn]] void become_program(const std::vector<std::string>& arguments, const char* input,
                                 const char* error, int out) {
  dup2(open(input, O_RDONLY), STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(open(error, O_WRONLY), STDERR_FILENO);
  std::vector<char*> argv;
  std::string name = TROIKA_PROGRAM;
  argv.push_back(name.data());
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(TROIKA_PROGRAM, argv.data());
  _exit(127);
}

}  // namespace

Program::Program(const std::vector<std::string>& arguments, const std::string& input)
    : input_(scratch_name()), error_(scratch_name()) {
  std::ofstream(input_, std::ios::binary) << input;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("no process");
  if (pid_ == 0) become_program(arguments, input_.c_str(), error_.c_str(), ends[1]);
  close(ends[1]);
  out_ = ends[0];
}

Program::~Program() {
  if (pid_ > 0) {
    signal(SIGKILL);
    finish();
  }
  close_out();
  std::filesystem::remove(input_);
  std::filesystem::remove(error_);
}

bool Program::read_some() {
  std::array<char, 4096> block{};
  const ssize_t count = out_ < 0 ? 0 : read(out_, block.data(), block.size());
  if (count > 0) out_text_.append(block.data(), static_cast<size_t>(count));
  return count > 0;
}

void Program::close_out() {
  if (out_ >= 0) close(out_);
  out_ = -1;
}

void Program::signal(int number) {
  kill(pid_, number);
}

Outcome Program::finish() {
  while (read_some()) {
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = out_text_,
          .error = read_text(error_)};
}

Outcome troika(const std::vector<std::string>& arguments, const std::string& input) {
  return Program(arguments, input).finish();
}

Folder::Folder() {
  path_ = scratch_name();
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
}

Folder::~Folder() {
  std::filesystem::remove_all(path_);
}

std::string Folder::write(const std::string& name, const std::string& content) const {
  std::ofstream(path_ / name, std::ios::binary) << content;
  return (path_ / name).string();
}

std::vector<std::string> Folder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_))
    names.push_back(entry.path().filename().string());
  return names;
}

std::string model_file(const std::string& name) {
  return (test_data("fixtures") / "models" / (name + ".gguf")).string();
}

std::string model_side_file(const std::string& name) {
  return (test_data("fixtures") / "models" / name).string();
}

std::string chat_model(const Folder& folder) {
  const Result<gguf::File> file = gguf::File::open(model_file("qwen35-succ-f32"));
  if (!file.ok()) throw std::runtime_error(file.error().message());
  GgufBuilder builder;
  for (const gguf::Value& value : file->metadata().values())
    if (value.is_array)
      builder.array(value.key, value.type, static_cast<uint64_t>(value.count)).raw(value.bytes);
    else
      builder.pair(value.key, value.type).raw(value.bytes);
  builder.string("tokenizer.chat_template",
                 "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + "
                 "message.content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}"
                 "{{ '<|im_start|>assistant\\n' }}{% endif %}");
  for (const gguf::TensorInfo& tensor : file->tensors()) {
    std::vector<uint64_t> dims(tensor.shape.rbegin(), tensor.shape.rend());
    builder.tensor(tensor.name, dims, dtype_info(tensor.dtype).gguf_id, tensor.data);
  }
  const std::string path = folder / "chat.gguf";
  builder.write(path);
  return path;
}

void expect_refusal(const Outcome& outcome, int status, const std::string& words) {
  EXPECT_EQ(outcome.status, status) << outcome.error;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.error.starts_with("troika: ")) << outcome.error;
  EXPECT_EQ(std::ranges::count(outcome.error, '\n'), 1) << outcome.error;
  EXPECT_NE(outcome.error.find(words), std::string::npos) << outcome.error;
}

}  // namespace troika::testing
