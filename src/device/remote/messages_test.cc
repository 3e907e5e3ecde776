// Everything that goes from rank to rank: what is written is what is read, and no bytes at all
// crash a reader.
#include "device/remote/messages.h"

#include <gtest/gtest.h>

#include <random>

namespace troika::remote {

/// Sets every field to something else than before.
class Filler {
 public:
  static constexpr bool kReads = false;

  template <typename... Values>
  void operator()(Values&... values) {
    (fill(values), ...);
  }

 private:
  template <typename T>
  void fill(T& value) {
    if constexpr (std::is_same_v<T, bool>)
      value = true;
    else if constexpr (std::is_enum_v<T>)
      value = static_cast<T>(enumerators<T>() - 1);
    else if constexpr (std::is_arithmetic_v<T>)
      value = static_cast<T>(number_ = number_ % 100 + 1);
    else
      encode(*this, value);
  }

  int number_ = 0;
};

void encode(Filler& filler, std::string& text) {
  (void)filler;
  text = "a name";
}

template <typename T>
void encode(Filler& filler, std::vector<T>& list) {
  list.resize(2);
  for (T& element : list) filler(element);
}

namespace {

template <typename T>
T filled() {
  T value;
  Filler filler;
  encode(filler, value);
  return value;
}

template <typename T>
std::vector<std::byte> written(const T& value) {
  Writer writer;
  writer(value);
  return writer.bytes();
}

template <size_t kind = 0>
void add_ops(std::vector<Op>& ops) {
  ops.emplace_back(std::in_place_index<kind>, filled<std::variant_alternative_t<kind, Op>>());
  if constexpr (kind + 1 < std::variant_size_v<Op>) add_ops<kind + 1>(ops);
}

std::vector<Op> one_of_each() {
  std::vector<Op> ops;
  add_ops(ops);
  return ops;
}

/// A graph with a product, an exchange and results.
Graph small_graph() {
  Graph graph;
  const Tensor x = graph.embed({0, Axis::vocab, 64, 1, 32});
  const Tensor normed = graph.rms_norm(x, {1, Axis::hidden, 1, 32, 1}, 1e-5F);
  const Tensor turned = graph.rope(
      normed, {.pairs = RopePairs::adjacent, .frequencies = {1, 0.5, 0.25}, .magnitude = 2});
  const Tensor y = graph.append(MatMul{{2, Axis::hidden, 1, 32, 32}, turned, {1, 2}});
  const Tensor shown = graph.append(Exchange{Rows::tokens, {y}});
  const Tensor sum = graph.append(SumParts{shown,
                                           {{64, 0, 64}, {32, 0, 32}},
                                           {{1, 0, 0}, {2, 0, 1}, {1, 1, 0}},
                                           {DType::f32, Rows::tokens, Axis::hidden, 1, 32}});
  const Tensor logits =
      graph.matmul({3, Axis::vocab, 64, 1, 32}, graph.gather_rows(graph.add(x, sum)));
  graph.output(Output::logits, logits);
  graph.output(Output::argmax, graph.argmax(logits));
  return graph;
}

std::vector<Message> one_of_each_message() {
  std::vector<Message> messages = {AskInfo{}, Wait{}, End{}};
  messages.emplace_back(AskSupports{filled<MatMulBlocks>(), DType::q4_k});
  messages.emplace_back(filled<AskWeightBytes>());
  messages.emplace_back(filled<Allocate>());
  messages.emplace_back(AllocateState{5, DeltaState{2, 3, 4}, {DType::q8_0, 7}, 8});
  messages.emplace_back(filled<Import>());
  messages.emplace_back(Compile{.number = 1,
                                .graph = small_graph(),
                                .sizes = {1, 2, 3},
                                .weights = {4, 0, 5},
                                .state_infos = {{"blk.0.kv", KvState{1, 2, 3}, true}},
                                .states = {6},
                                .state_options = {DType::bf16, 9},
                                .member = 2});
  messages.emplace_back(filled<Run>());
  messages.emplace_back(filled<Write>());
  messages.emplace_back(filled<Read>());
  messages.emplace_back(filled<Copy>());
  messages.emplace_back(filled<Fill>());
  messages.emplace_back(filled<Drop>());
  return messages;
}

TEST(RemoteMessagesTest, EveryOpComesBackAsItWas) {
  std::vector<Op> ops = one_of_each();
  ASSERT_EQ(ops.size(), std::variant_size_v<Op>);
  for (const Op& op : ops) {
    const std::vector<std::byte> bytes = written(op);
    Reader reader(bytes);
    Op read;
    reader(read);
    ASSERT_TRUE(reader.status().ok()) << op_name(op) << ": " << reader.status().error().message();
    EXPECT_TRUE(reader.rest().empty()) << op_name(op);
    EXPECT_EQ(read.index(), op.index());
    EXPECT_EQ(written(read), bytes) << op_name(op);
  }
}

TEST(RemoteMessagesTest, FieldsAreTheirOwn) {
  const std::vector<std::byte> bytes = written(Op(filled<Attention>()));
  Reader reader(bytes);
  Op read;
  reader(read);
  const auto& attention = std::get<Attention>(read);
  EXPECT_EQ(attention.q.id, 1);
  EXPECT_EQ(attention.q.spec.axis, Axis::chosen);
  EXPECT_EQ(attention.q.spec.width, 3);
  EXPECT_EQ(attention.state.id, 4);
  EXPECT_EQ(attention.kv_heads, 5);
  EXPECT_EQ(attention.value_dim, 6);
  EXPECT_EQ(attention.scale, 7);
}

TEST(RemoteMessagesTest, EveryMessageComesBackAsItWas) {
  const std::vector<Message> messages = one_of_each_message();
  EXPECT_EQ(messages.size(), std::variant_size_v<Message>);
  for (const Message& message : messages) {
    const std::vector<std::byte> bytes = encoded(message);
    const auto decoded = decode_message(bytes);
    ASSERT_TRUE(decoded.ok()) << message.index() << ": " << decoded.error().message();
    EXPECT_TRUE(decoded->body.empty());
    EXPECT_EQ(encoded(decoded->value), bytes) << message.index();
  }
}

TEST(RemoteMessagesTest, GraphsKeepTheirShapesAndResults) {
  const Graph graph = small_graph();
  ASSERT_TRUE(graph.check().ok()) << graph.check().error().message();
  const std::vector<std::byte> bytes = written(graph);
  Reader reader(bytes);
  Graph read;
  reader(read);
  ASSERT_TRUE(reader.status().ok()) << reader.status().error().message();
  ASSERT_EQ(read.values(), graph.values());
  for (size_t i = 0; i < graph.nodes().size(); i++)
    EXPECT_EQ(read.nodes()[i].value.spec, graph.nodes()[i].value.spec);
  EXPECT_EQ(read.output(Output::logits)->id, graph.output(Output::logits)->id);
  EXPECT_EQ(read.output(Output::argmax)->id, graph.output(Output::argmax)->id);
}

TEST(RemoteMessagesTest, BytesBehindTheFieldsAreTheBody) {
  std::vector<std::byte> bytes = encoded(Write{{3, 4}});
  bytes.push_back(std::byte{7});
  const auto decoded = decode_message(bytes);
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->body.size(), 1U);
  EXPECT_EQ(decoded->body[0], std::byte{7});
}

TEST(RemoteMessagesTest, TruncatedMessagesAreRefused) {
  for (const Message& message : one_of_each_message()) {
    const std::vector<std::byte> bytes = encoded(message);
    for (size_t length = 0; length < bytes.size(); length++) {
      const auto decoded = decode_message(std::span(bytes).first(length));
      ASSERT_FALSE(decoded.ok()) << message.index() << " at " << length;
      EXPECT_EQ(decoded.error().code(), ErrorCode::corrupt);
    }
  }
  const std::vector<std::byte> answer = encoded(Answer{.text = "cpu", .number = 3});
  for (size_t length = 0; length < answer.size(); length++)
    EXPECT_FALSE(decode_answer(std::span(answer).first(length)).ok());
}

TEST(RemoteMessagesTest, AnyBytesAreReadOrRefused) {
  std::mt19937 random(1);
  int64_t refused = 0;
  for (const Message& message : one_of_each_message()) {
    const std::vector<std::byte> sound = encoded(message);
    for (int i = 0; i < 400; i++) {
      std::vector<std::byte> bytes = sound;
      for (uint32_t change = 0; change <= random() % 3; change++)
        bytes[random() % bytes.size()] = static_cast<std::byte>(random());
      refused += decode_message(bytes).ok() ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(RemoteMessagesTest, GraphsThatLieAreRefused) {
  const auto refused = [](const Graph& graph) {
    const std::vector<std::byte> bytes = written(graph);
    Reader reader(bytes);
    Graph read;
    reader(read);
    return reader.status().ok() ? std::string() : reader.status().error().message();
  };
  const Spec row{DType::f32, Rows::tokens, Axis::hidden, 1, 32};
  Graph before;  // an operand that comes later
  before.append(Add{{1, row}, {1, row}});
  EXPECT_EQ(refused(before), "op 0: operands that are none");
  Graph other;  // a value said to be of another shape
  Tensor x = other.embed({0, Axis::vocab, 64, 1, 32});
  x.spec.width = 1 << 20;
  other.append(Argmax{x});
  EXPECT_EQ(refused(other), "op 1: operands that are none");
  Graph large;
  large.embed({0, Axis::vocab, int64_t{1} << 31, int64_t{1} << 31, int64_t{1} << 31});
  EXPECT_EQ(refused(large), "op 0: operands that are none");
}

}  // namespace
}  // namespace troika::remote
