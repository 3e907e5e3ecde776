// Between the parser's view of a request and ours, and the text of answers.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/error_code.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http/message.h"

namespace troika::serve::http {

/// The status to refuse with where the parser stopped; less than 0: nothing to tell to anyone.
int refusal(const boost::system::error_code& error);

/// An answer to a request that cannot be handed on, in OpenAI's shape.
Response refusal_response(int status);

/// Moves what was parsed into `request`. Not 0: the status to refuse with.
int take_request(boost::beast::http::message<true, boost::beast::http::string_body>& parsed,
                 Request& request);

/// The first lines of an answer, with the date left out: clients do without.
std::string status_line(int status, std::string_view content_type, bool keep_alive);

/// Appends header lines; control characters in values are left out, so that none adds a line.
void append_headers(std::string& text, const std::vector<Header>& headers);

/// Appends `bytes` as a chunk, if there are any and chunks are used, and what ends the body.
void append_chunk(std::string& text, std::string_view bytes, bool chunks, bool end);

}  // namespace troika::serve::http
