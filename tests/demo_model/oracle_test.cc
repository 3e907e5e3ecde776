// The demo model against PyTorch: logits and draft rows of three texts of 1,024 tokens, on every
// device. Format: scripts/demo_model/oracle.py.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "engine/evaluate.h"
#include "support/devices.h"
#include "support/models.h"

namespace troika::testing {
namespace {

std::filesystem::path models() {
  return std::filesystem::path(TROIKA_SOURCE_DIR) / "models";
}

Array read_npy_gz(const std::filesystem::path& path) {
  std::FILE* pipe = ::popen(("gzip -dc '" + path.string() + "'").c_str(), "r");
  std::string bytes;
  char part[65536];
  for (size_t n = 0; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) bytes.append(part, n);
  ::pclose(pipe);
  return parse_npy(bytes);
}

/// A row's best token and its lead over the second, for trunk and head.
struct Best {
  int64_t token[2];
  double lead[2];
};

struct Oracle {
  std::vector<TokenId> tokens;
  std::vector<TokenId> rows;  // positions whose rows are kept whole
  Array kept[2];              // of trunk and head
  std::vector<Best> best;
};

Oracle read_oracle(int number) {
  const std::string name = "text" + std::to_string(number);
  const auto file = [&](const char* suffix) { return models() / "oracle" / (name + suffix); };
  Oracle oracle{.tokens = read_ids(file(".tokens.txt")), .rows = read_ids(file(".rows.txt"))};
  oracle.kept[0] = read_npy_gz(file(".logits.f16.npy.gz"));
  oracle.kept[1] = read_npy_gz(file(".mtp.f16.npy.gz"));
  std::istringstream in(read_text(file(".argmax.txt")));
  for (Best b{}; in >> b.token[0] >> b.lead[0] >> b.token[1] >> b.lead[1];)
    oracle.best.push_back(b);
  return oracle;
}

/// Compares row by row as they come.
class Comparison {
 public:
  Comparison(const Oracle& oracle, int which) : oracle_(oracle), which_(which) {}

  Status operator()(int64_t position, std::span<const float> row) {
    const Best& best = oracle_.best[static_cast<size_t>(position)];
    const auto argmax = std::ranges::max_element(row) - row.begin();
    constexpr double kLead = 1e-2;  // of the float16 oracle; closer calls may fall either way
    if (best.lead[which_] > kLead) {
      EXPECT_EQ(argmax, best.token[which_]) << "position " << position;
    }
    if (next_ == oracle_.rows.size() || static_cast<int64_t>(oracle_.rows[next_]) != position)
      return ok();
    const float* want = oracle_.kept[which_].row(static_cast<int64_t>(next_++));
    for (size_t i = 0; i < row.size(); i++) {
      // Half an ulp of float16 beside the limit for float32 arithmetic.
      const double allowed = 1e-3 + std::abs(static_cast<double>(want[i])) * 0x1p-11;
      const double difference =
          std::abs(static_cast<double>(row[i]) - static_cast<double>(want[i]));
      if (difference > allowed)
        return fail(ErrorCode::internal, "position {}, token {}: {} for {}", position, i, row[i],
                    want[i]);
    }
    return ok();
  }

  size_t rows() const { return next_; }

 private:
  const Oracle& oracle_;
  int which_;
  size_t next_ = 0;
};

TEST(OracleTest, LogitsAndDraftRowsOfAThousandTokensAreThoseOfPyTorch) {
  for (const NamedDevice& named : model_devices()) {
    const auto device = named.make(2);
    const OpenModel model = open_model(models() / "troika-demo.gguf", *device);
    for (const int number : {1, 2, 3}) {
      SCOPED_TRACE(named.name + " text " + std::to_string(number));
      const Oracle oracle = read_oracle(number);
      ASSERT_EQ(oracle.tokens.size(), 1024u);
      ASSERT_EQ(oracle.best.size(), 1024u);
      Comparison trunk(oracle, 0);
      Comparison head(oracle, 1);
      const Status status = evaluate(model.loaded, oracle.tokens, {.kv_dtype = DType::f32},
                                     std::ref(trunk), std::ref(head));
      EXPECT_TRUE(status.ok()) << status.error().message();
      EXPECT_EQ(trunk.rows(), oracle.rows.size());
      EXPECT_EQ(head.rows(), oracle.rows.size());
    }
  }
}

}  // namespace
}  // namespace troika::testing
