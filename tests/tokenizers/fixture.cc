#include "tokenizers/fixture.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace troika::testing {
namespace {

// Unpacks `packed` to `plain`; the name is the caller's own, so the shell has nothing to misread
// but quotes.
Status unpack(const std::filesystem::path& packed, const std::filesystem::path& plain) {
  const std::string command = fmt::format("gzip -dc '{}' > '{}'", packed.string(), plain.string());
  if (std::system(command.c_str()) != 0)
    return fail(ErrorCode::not_found, "{}: gzip cannot unpack it", packed.string());
  return ok();
}

}  // namespace

Result<gguf::File> open_vocabulary(const std::filesystem::path& folder, const std::string& name) {
  const std::filesystem::path plain = folder / (name + ".gguf");
  if (std::filesystem::exists(plain)) return gguf::File::open(plain);
  const std::filesystem::path unpacked =
      std::filesystem::temp_directory_path() / fmt::format("troika-{}-{}.gguf", ::getpid(), name);
  TROIKA_RETURN_IF_ERROR(unpack(folder / (name + ".gguf.gz"), unpacked));
  Result<gguf::File> file = gguf::File::open(unpacked);
  std::filesystem::remove(unpacked);  // the mapping stays
  return file;
}

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder,
                                          const std::string& name) {
  Result<gguf::File> file = open_vocabulary(folder, name);
  if (!file.ok()) {
    ADD_FAILURE() << file.error().message();
    return nullptr;
  }
  Result<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::load(file->metadata());
  if (!tokenizer.ok()) {
    ADD_FAILURE() << name << ": " << tokenizer.error().message();
    return nullptr;
  }
  return std::move(tokenizer).value();
}

std::vector<nlohmann::json> json_lines(const std::filesystem::path& path) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::string text_of(const nlohmann::json& expectation) {
  if (expectation.contains("text")) return expectation["text"].get<std::string>();
  const auto hex = expectation.at("bytes_hex").get<std::string>();
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::vector<TokenId> ids_of(const nlohmann::json& list) {
  std::vector<TokenId> ids;
  for (const auto& id : list) ids.push_back(TokenId{id.get<int32_t>()});
  return ids;
}

std::vector<int32_t> numbers(const std::vector<TokenId>& ids) {
  std::vector<int32_t> rows;
  for (const TokenId id : ids) rows.push_back(static_cast<int32_t>(id));
  return rows;
}

}  // namespace troika::testing
