#include "serve/http/tls.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>

namespace troika::serve::http {
namespace {

namespace ssl = boost::asio::ssl;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;

Error failed(std::string_view what) {
  return fail(ErrorCode::internal, "TLS: {} failed", what);
}

std::string alternative_names(const std::string& host) {
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (!error && !address.is_loopback() && !address.is_unspecified())
    names += ",IP:" + address.to_string();
  if (error && host != "localhost") names += ",DNS:" + host;
  return names;
}

Status add_alternative_names(X509& certificate, const std::string& host) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, alternative_names(host).c_str());
  if (names == nullptr) return failed("naming the host");
  const int added = X509_add_ext(&certificate, names, -1);
  X509_EXTENSION_free(names);
  if (added != 1) return failed("naming the host");
  return ok();
}

Result<Certificate> sign_certificate(EVP_PKEY& key, const std::string& host) {
  constexpr long kDaySeconds = 24 * 60 * 60;
  Certificate certificate(X509_new());
  uint64_t serial = 0;
  if (certificate == nullptr ||
      RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1)
    return failed("making a certificate");
  X509& x = *certificate;
  X509_set_version(&x, 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(&x), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(&x), -kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(&x), 365 * kDaySeconds);
  X509_set_pubkey(&x, &key);
  X509_NAME* name = X509_get_subject_name(&x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("troika"), -1, -1, 0);
  X509_set_issuer_name(&x, name);
  TROIKA_RETURN_IF_ERROR(add_alternative_names(x, host));
  if (X509_sign(&x, &key, EVP_sha256()) == 0) return failed("signing a certificate");
  return certificate;
}

Status use_self_signed(ssl::context& context, const std::string& host) {
  const Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return failed("making a key");
  TROIKA_TRY(const Certificate certificate, sign_certificate(*key, host));
  if (SSL_CTX_use_certificate(context.native_handle(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.native_handle(), key.get()) != 1)
    return failed("using the certificate");
  return ok();
}

Status use_files(ssl::context& context, const TlsOptions& options) {
  const auto refuse = [](std::string_view what, const std::string& path,
                         const boost::system::error_code& error) {
    return fail(ErrorCode::invalid_argument, "{}: no PEM {} that TLS can use ({})", path, what,
                error.message());
  };
  boost::system::error_code error;
  context.use_certificate_chain_file(options.certificate_file, error);
  if (error) return refuse("certificate", options.certificate_file, error);
  context.use_private_key_file(options.key_file, ssl::context::pem, error);
  if (error) return refuse("key of that certificate", options.key_file, error);
  return ok();
}

}  // namespace

Result<std::unique_ptr<ssl::context>> make_tls_context(const TlsOptions& options,
                                                       const std::string& host) {
  const bool files = !options.certificate_file.empty() || !options.key_file.empty();
  if (files && options.self_signed)
    return fail(ErrorCode::invalid_argument,
                "TLS has files and a self-signed certificate, wanted one of them");
  if (files && (options.certificate_file.empty() || options.key_file.empty()))
    return fail(ErrorCode::invalid_argument, "TLS has {}, wanted a certificate and a key",
                options.key_file.empty() ? "no key" : "no certificate");
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  TROIKA_RETURN_IF_ERROR(options.self_signed ? use_self_signed(*context, host)
                                             : use_files(*context, options));
  return context;
}

}  // namespace troika::serve::http
