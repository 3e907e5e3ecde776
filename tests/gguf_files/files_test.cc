// Good and hostile GGUF files: tests/gguf_files always; where ../shared/fixtures is present, the
// set there by its own manifest, and every model file that lies beside it.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "allocated.h"
#include "gguf/file.h"
#include "support/gguf_read_all.h"
#include "support/shared.h"

namespace troika {
namespace {

using Json = nlohmann::json;
using gguf::File;
using gguf::TensorInfo;

constexpr int64_t kAllocatedMax = 1 << 20;  // bytes in all; the files are tiny
constexpr auto kTimeMax =
    std::chrono::milliseconds(200);  // generous: sanitizers and a busy machine

Json read_json(const std::filesystem::path& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.is_open()) << path;
  return Json::parse(in);
}

// Opens and reads everything, within bounds of memory and time. The message of a refusal, or
// nothing.
std::string open_and_read(const std::filesystem::path& path) {
  const int64_t allocated = testing::allocated_bytes();
  const auto start = std::chrono::steady_clock::now();
  const Result<File> file = File::open(path);
  EXPECT_LT(testing::allocated_bytes() - allocated, kAllocatedMax) << path;
  EXPECT_LT(std::chrono::steady_clock::now() - start, kTimeMax) << path;
  if (!file.ok()) {
    EXPECT_TRUE(file.error().message().starts_with(path.string() + ": ")) << path;
    return file.error().message();
  }
  testing::read_metadata(file->metadata());
  testing::read_tensors(*file);
  return "";
}

Result<File> open_good(const std::string& name) {
  return File::open(testing::test_data("gguf_files") / "files" / name);
}

std::vector<float> values_of(const TensorInfo& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  decode_row(tensor.dtype, tensor.data.data(), values.data(), tensor.elements());
  return values;
}

TEST(GgufFiles, OpenOrAreRefusedByName) {
  for (const Json& row : read_json(testing::test_data("gguf_files") / "manifest.json")) {
    const auto path =
        testing::test_data("gguf_files") / "files" / row.at("file").get<std::string>();
    const std::string message = open_and_read(path);
    if (row.contains("refused"))
      EXPECT_NE(message.find(row.at("refused").get<std::string>()), message.npos)
          << path << ": " << message;
    else
      EXPECT_EQ(message, "") << row;
  }
}

TEST(GgufFiles, EveryScalarTypeReadsBack) {
  const auto file = open_good("ok-all-kv-types.gguf");
  ASSERT_TRUE(file.ok());
  const gguf::Metadata& m = file->metadata();
  EXPECT_EQ(m.values().size(), 18u);
  EXPECT_EQ(*m.string("general.architecture"), "llama");
  EXPECT_EQ(*m.integer("t.u8"), 255);
  EXPECT_EQ(*m.integer("t.u16"), 65535);
  EXPECT_EQ(*m.integer("t.u32"), 4294967295);
  for (const char* key : {"t.i8", "t.i16", "t.i32", "t.i64"}) EXPECT_EQ(*m.integer(key), -1) << key;
  EXPECT_FALSE(m.integer("t.u64").ok());
  EXPECT_EQ(gguf::value_text(*m.find("t.u64")), "18446744073709551615");
  EXPECT_EQ(*m.real("t.f32"), 1.5);
  EXPECT_EQ(*m.real("t.f64"), 0.1);
  EXPECT_TRUE(*m.boolean("t.bool"));
  EXPECT_EQ(*m.string("t.str"), "\xc3\xa9\xe2\x80\xa8\n");
  EXPECT_EQ(*m.string("t.emptystr"), "");
}

TEST(GgufFiles, EveryArrayTypeReadsBack) {
  const auto file = open_good("ok-all-kv-types.gguf");
  ASSERT_TRUE(file.ok());
  const gguf::Metadata& m = file->metadata();
  EXPECT_EQ(*m.strings("t.as"), (std::vector<std::string_view>{"", "x", "\xff\xfe"}));
  EXPECT_EQ(*m.integers("t.ai"), (std::vector<int64_t>{1, -2}));
  EXPECT_EQ(*m.booleans("t.ab"), (std::vector<bool>{false, true, true}));
  EXPECT_TRUE(m.integers("t.empty")->empty());
}

TEST(GgufFiles, TensorsReadBack) {
  const auto two = open_good("ok-two-tensors.gguf");
  ASSERT_TRUE(two.ok());
  ASSERT_EQ(two->tensors().size(), 2u);
  EXPECT_EQ(two->find("a.weight")->shape, (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(values_of(*two->find("a.weight")), std::vector<float>(8, 1.0f));
  EXPECT_EQ(two->find("b.weight")->shape, std::vector<int64_t>{4});
  EXPECT_EQ(values_of(*two->find("b.weight")), std::vector<float>(4, 1.0f));

  const auto scalar = open_good("ok-scalar.gguf");
  ASSERT_TRUE(scalar.ok());
  EXPECT_TRUE(scalar->find("x")->shape.empty());
  EXPECT_EQ(values_of(*scalar->find("x")), std::vector<float>{1.0f});

  const auto q8_0 = open_good("ok-q8_0.gguf");
  ASSERT_TRUE(q8_0.ok());
  EXPECT_EQ(q8_0->tensors()[0].dtype, DType::q8_0);
  EXPECT_EQ(q8_0->tensors()[0].shape, (std::vector<int64_t>{1, 64}));
  EXPECT_EQ(q8_0->tensors()[0].bytes, 68);
  const std::vector<float> values = values_of(q8_0->tensors()[0]);
  for (size_t i = 0; i < 64; i++) EXPECT_EQ(values[i], static_cast<float>(i % 32)) << i;
}

TEST(GgufFiles, SharedSetOpensOrIsRefused) {
  const auto folder = testing::shared_fixtures("gguf");
  if (!folder) return;
  for (const Json& row : read_json(*folder / "manifest.json")) {
    const std::string message = open_and_read(*folder / row.at("file").get<std::string>());
    const std::string expect = row.at("expect");
    if (expect != "either") {
      EXPECT_EQ(message.empty(), expect == "ok") << row << message;
    }
  }
}

TEST(GgufFiles, SharedModelsOpenAndAreFinite) {
  for (const char* name : {"models", "real"}) {
    const auto folder = testing::shared_fixtures(name);
    if (!folder) continue;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
      if (entry.path().extension() != ".gguf") continue;
      const auto file = File::open(entry.path());
      ASSERT_TRUE(file.ok()) << file.error().message();
      testing::read_metadata(file->metadata());
      for (const TensorInfo& t : file->tensors()) {
        if (!dtype_info(t.dtype).decodes) continue;
        EXPECT_TRUE(check_finite(t.dtype, t.data.data(), t.elements(), t.name).ok()) << t.name;
      }
    }
  }
}

}  // namespace
}  // namespace troika
