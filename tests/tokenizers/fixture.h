// The tokenizer fixtures: how a packed vocabulary is opened, what an expectation looks like.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/result.h"
#include "gguf/file.h"
#include "text/tokenizer.h"

namespace troika::testing {

/// Opens `folder`/`name`.gguf, or unpacks `name`.gguf.gz (with gzip) into a folder for temporary
/// files first.
Result<gguf::File> open_vocabulary(const std::filesystem::path& folder, const std::string& name);

/// open_vocabulary() and Tokenizer::load(); fails the test where that fails.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder,
                                          const std::string& name);

/// One JSON value for each line of a file.
std::vector<nlohmann::json> json_lines(const std::filesystem::path& path);

/// The whole file.
std::string file_bytes(const std::filesystem::path& path);

/// The text of an expectation: `text`, or `bytes_hex` decoded.
std::string text_of(const nlohmann::json& expectation);

/// A list of numbers as ids, and back.
std::vector<TokenId> ids_of(const nlohmann::json& list);
std::vector<int32_t> numbers(const std::vector<TokenId>& ids);

}  // namespace troika::testing
