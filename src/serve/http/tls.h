// TLS contexts: from files, or with a certificate made for this run.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "core/result.h"
#include "serve/http/server.h"

namespace troika::serve::http {

/// A server's context for TLS 1.2 and newer. `host` goes into a self-signed certificate, beside
/// localhost. Errors: invalid_argument — only one of two files, both files and self-signed, files
/// that do not work, by name and with the library's reason.
Result<std::unique_ptr<boost::asio::ssl::context>> make_tls_context(const TlsOptions& options,
                                                                    const std::string& host);

}  // namespace troika::serve::http
