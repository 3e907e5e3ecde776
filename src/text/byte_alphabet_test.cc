#include "text/byte_alphabet.h"

#include <gtest/gtest.h>

#include <set>

namespace troika::text {
namespace {

TEST(ByteAlphabet, EveryByteHasItsOwnCharacterAndComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  const auto& alphabet = byte_alphabet();
  EXPECT_EQ(std::set<uint16_t>(alphabet.begin(), alphabet.end()).size(), 256u);
  EXPECT_EQ(from_alphabet(to_alphabet(all)), all);
}

TEST(ByteAlphabet, IsTheOneVocabulariesAreWrittenIn) {
  EXPECT_EQ(byte_alphabet()[0x00], 0x100);
  EXPECT_EQ(byte_alphabet()[0x20], 0x120);
  EXPECT_EQ(byte_alphabet()[0x0A], 0x10A);
  EXPECT_EQ(byte_alphabet()[0x7F], 0x121);
  EXPECT_EQ(byte_alphabet()[0xAD], 0x143);
  EXPECT_EQ(byte_alphabet()['a'], 'a');
  EXPECT_EQ(to_alphabet(" caf\xC3\xA9\n"), "ĠcafÃ©Ċ");
}

TEST(ByteAlphabet, KeepsWhatIsNotInIt) {
  EXPECT_EQ(from_alphabet("▁Ġ\xFF"), "▁ \xFF");
  EXPECT_EQ(from_alphabet("ń"), "ń");  // U+0144, the first behind the alphabet
}

}  // namespace
}  // namespace troika::text
