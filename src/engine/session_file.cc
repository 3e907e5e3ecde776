#include "engine/session_file.h"

#include <algorithm>
#include <cstring>

#include "gguf/cursor.h"

namespace troika {
namespace {

constexpr std::string_view kMagic = "TROIKAS1";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kHeadFlag = 1;
constexpr int64_t kTokensMax = int64_t{1} << 24;
constexpr uint32_t kSectionsMax = 1 << 16;
constexpr uint64_t kNameBytesMax = 1024;
constexpr int64_t kSampleBytes = 256;  // of each end of a tensor

template <typename T>
void append(std::vector<std::byte>& out, const T& value) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof(T));
}

void append(std::vector<std::byte>& out, std::string_view text) {
  append(out, static_cast<uint64_t>(text.size()));
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  out.insert(out.end(), bytes, bytes + text.size());
}

std::vector<std::byte> encode(const SessionHeader& header) {
  std::vector<std::byte> out;
  for (const char c : kMagic) out.push_back(static_cast<std::byte>(c));
  append(out, kVersion);
  append(out, header.draft_head ? kHeadFlag : 0u);
  append(out, header.model);
  append(out, static_cast<int64_t>(header.tokens.size()));
  append(out, header.computed);
  append(out, header.replay);
  append(out, static_cast<uint32_t>(header.sections.size()));
  append(out, std::string_view(header.layout));
  for (const SessionSection& section : header.sections) {
    append(out, std::string_view(section.name));
    append(out, section.units);
    append(out, section.unit_bytes);
  }
  for (const TokenId id : header.tokens) append(out, static_cast<int32_t>(id));
  return out;
}

Status check_counts(const SessionHeader& header, int64_t tokens, const gguf::Cursor& in) {
  if (tokens < 1 || tokens > kTokensMax)
    return in.error(ErrorCode::corrupt, "{} tokens, want 1 to {}", tokens, kTokensMax);
  if (header.computed < 1 || header.computed > tokens)
    return in.error(ErrorCode::corrupt, "{} computed tokens, want 1 to {}", header.computed,
                    tokens);
  if (header.replay < 0 || header.replay > header.computed)
    return in.error(ErrorCode::corrupt, "{} logged tokens, want 0 to {}", header.replay,
                    header.computed);
  return ok();
}

Result<SessionSection> read_section(gguf::Cursor& in) {
  SessionSection section;
  TROIKA_TRY(section.name, in.string(kNameBytesMax, "its name"));
  TROIKA_TRY(section.units, in.number<int64_t>("the number of units"));
  TROIKA_TRY(section.unit_bytes, in.number<int64_t>("the size of a unit"));
  if (section.units < 1 || section.unit_bytes < 1 ||
      section.units > static_cast<int64_t>(in.left()) / section.unit_bytes)
    return in.error(ErrorCode::corrupt, "{} units of {} bytes, the file has {} left", section.units,
                    section.unit_bytes, in.left());
  return section;
}

}  // namespace

uint64_t model_fingerprint(const gguf::File& file) {
  uint64_t hash = 0;
  const auto add = [&hash](std::span<const std::byte> bytes) {
    hash = XXH64(bytes.data(), bytes.size(), hash);
  };
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    add(std::as_bytes(std::span(tensor.name)));
    const int64_t facts[] = {static_cast<int64_t>(tensor.dtype), tensor.bytes};
    add(std::as_bytes(std::span(facts)));
    add(std::as_bytes(std::span(tensor.shape)));
    const auto sample = static_cast<size_t>(std::min(kSampleBytes, std::ssize(tensor.data)));
    add(tensor.data.first(sample));
    add(tensor.data.last(sample));
  }
  return hash;
}

SessionWriter::SessionWriter(OutputFile file) : file_(std::move(file)), hash_(XXH64_createState()) {
  XXH64_reset(hash_.get(), 0);
}

Result<SessionWriter> SessionWriter::create(const std::string& path, const SessionHeader& header) {
  TROIKA_TRY(OutputFile file, OutputFile::create(path));
  SessionWriter writer(std::move(file));
  TROIKA_RETURN_IF_ERROR(writer.write(encode(header)));
  return writer;
}

Status SessionWriter::write(std::span<const std::byte> bytes) {
  XXH64_update(hash_.get(), bytes.data(), bytes.size());
  return file_.write(bytes);
}

Status SessionWriter::commit() {
  const uint64_t hash = XXH64_digest(hash_.get());
  TROIKA_RETURN_IF_ERROR(file_.write(std::as_bytes(std::span(&hash, 1))));
  return file_.commit();
}

Result<SessionFile> SessionFile::open(const std::string& path) {
  TROIKA_TRY(MappedFile file, MappedFile::open(path));
  SessionFile session(path, std::move(file));
  TROIKA_RETURN_IF_ERROR(session.parse());
  return session;
}

Status SessionFile::parse() {
  const auto all = file_.bytes();
  if (all.size() < kMagic.size() || std::memcmp(all.data(), kMagic.data(), kMagic.size()) != 0)
    return fail(ErrorCode::corrupt, "{}: not a session file", name_);
  gguf::Cursor in(all, name_);
  in.enter("header");
  TROIKA_RETURN_IF_ERROR(in.take(kMagic.size(), "the magic"));
  TROIKA_TRY(const uint32_t version, in.number<uint32_t>("the version"));
  if (version != kVersion)
    return in.error(ErrorCode::unsupported, "version {}, want {}", version, kVersion);
  TROIKA_TRY(const uint32_t flags, in.number<uint32_t>("the flags"));
  header_.draft_head = (flags & kHeadFlag) != 0;
  TROIKA_TRY(header_.model, in.number<uint64_t>("the model"));
  TROIKA_TRY(const int64_t tokens, in.number<int64_t>("the number of tokens"));
  TROIKA_TRY(header_.computed, in.number<int64_t>("the number of computed tokens"));
  TROIKA_TRY(header_.replay, in.number<int32_t>("the number of logged tokens"));
  TROIKA_RETURN_IF_ERROR(check_counts(header_, tokens, in));
  TROIKA_TRY(const uint32_t sections, in.number<uint32_t>("the number of sections"));
  if (sections > kSectionsMax)
    return in.error(ErrorCode::corrupt, "{} sections, want at most {}", sections, kSectionsMax);
  TROIKA_TRY(header_.layout, in.string(kNameBytesMax, "the layout"));
  for (uint32_t i = 0; i < sections; i++) {
    in.enter("section", i);
    TROIKA_TRY(SessionSection section, read_section(in));
    header_.sections.push_back(std::move(section));
  }
  in.enter("tokens");
  TROIKA_TRY(const auto ids, in.take(static_cast<uint64_t>(tokens) * sizeof(int32_t), "the ids"));
  header_.tokens.resize(static_cast<size_t>(tokens));
  std::memcpy(header_.tokens.data(), ids.data(), ids.size());
  for (size_t i = 0; i < header_.sections.size(); i++) {
    in.enter("section", static_cast<int64_t>(i), header_.sections[i].name);
    TROIKA_TRY(const auto bytes,
               in.take(static_cast<uint64_t>(header_.sections[i].bytes()), "the content"));
    data_.push_back(bytes);
  }
  in.enter("end");
  const uint64_t hash = XXH64(all.data(), in.position(), 0);
  TROIKA_TRY(const uint64_t stored, in.number<uint64_t>("the checksum"));
  if (in.left() != 0)
    return in.error(ErrorCode::corrupt, "{} bytes behind it, want none", in.left());
  if (hash != stored)
    return in.error(ErrorCode::corrupt, "the checksum is {:016x}, the content's {:016x}", stored,
                    hash);
  return ok();
}

}  // namespace troika
