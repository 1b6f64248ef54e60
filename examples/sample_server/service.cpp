#include "service.hpp"

#include "csv_writer.hpp"
#include "request.hpp"

#include <algorithm>
#include <ctime>
#include <memory>
#include <zlib.h>

namespace fluxgate::sample {
namespace {

std::string_view reason(int status) {
    switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 411: return "Length Required";
    case 413: return "Request Entity Too Large";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Status";
    }
}

std::string http_date(Time now) {
    const std::time_t seconds = static_cast<std::time_t>(now.ns / second_ns);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char text[64];
    (void)std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[parts.tm_wday], parts.tm_mday, months[parts.tm_mon],
                        parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    return text;
}

bool takes_gzip(std::string_view accept_encoding) {
    const auto at = accept_encoding.find("gzip");
    if (at == std::string_view::npos) return false;
    return accept_encoding.substr(at + 4, 4) != ";q=0" || accept_encoding.substr(at + 8, 1) == ".";
}

// What a body may be when it is unpacked, as on the real server.
constexpr std::size_t max_lines = 50u << 20;

Error write_refusal(int status, std::string text) {
    Error e;
    e.code = Errc::query;
    e.http_status = status;
    e.message = std::move(text);
    return e;
}

// One gzip member. Nothing when it is damaged or does not end; more than `most` bytes are cut off one byte later.
std::optional<std::string> gunzip(std::string_view packed, std::size_t most) {
    z_stream z{};
    if (inflateInit2(&z, 15 + 16) != Z_OK) return std::nullopt;
    const std::unique_ptr<z_stream, int (*)(z_stream*)> ended(&z, inflateEnd);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data())); // zlib does not write to it
    z.avail_in = static_cast<uInt>(packed.size());
    std::string out;
    char piece[16384];
    int state = Z_OK;
    while (state == Z_OK && out.size() <= most) {
        z.next_out = reinterpret_cast<Bytef*>(piece);
        z.avail_out = sizeof piece;
        state = inflate(&z, Z_NO_FLUSH);
        out.append(piece, sizeof piece - z.avail_out);
    }
    if (state != Z_STREAM_END && out.size() <= most) return std::nullopt;
    return out;
}

Result<std::string> decoded_body(const HttpRequest& request) {
    const std::string_view coding = request.header("content-encoding");
    if (coding.empty() || coding == "identity") return request.body;
    if (coding != "gzip") return write_refusal(400, "unknown content encoding: " + std::string{coding.substr(0, 40)});
    auto lines = gunzip(request.body, max_lines);
    if (!lines) return write_refusal(400, "gzip: invalid header");
    if (lines->size() > max_lines) return write_refusal(413, "unable to read data: points batch is too large");
    return *std::move(lines);
}

constexpr std::string_view json = "application/json; charset=utf-8";
constexpr std::string_view csv = "text/csv; charset=utf-8";
constexpr std::string_view plain = "text/plain; charset=utf-8";

} // namespace

// One request being answered.
struct Service::Exchange {
    Connection& connection;
    FaultsOfRequest faults{{}, 0};
    Time now = {};
    bool keep_alive = true;
    bool head_only = false;
    bool vary = false; // the real server says so wherever it might have compressed
    AnswerOptions answer = {};
    int status = 0; // 0: none was sent
    std::uint64_t rows = 0, bytes = 0, number = 0;
};

Service::Service(ServerOptions options, Pause pause)
    : options_(std::move(options)), pause_(std::move(pause)), written_(options_.empty_buckets), faults_(options_.faults) {
    if (options_.bench) bench_wire_ = chunked(bench_csv(*options_.bench), options_.chunk_size);
}

void Service::set_faults(std::vector<Fault> faults) {
    const std::lock_guard lock(mutex_);
    faults_ = std::move(faults);
}

Time Service::now() const {
    if (options_.clock) return options_.clock();
    return Time{std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

// Fields in the order in which Go writes them.
std::string Service::head(const Exchange& x, int status, std::string_view type, std::string_view extra) const {
    std::string out = "HTTP/1.1 " + std::to_string(status) + ' ';
    (out += reason(status)) += "\r\n";
    out += extra;
    if (!type.empty()) ((out += "Content-Type: ") += type) += "\r\n";
    if (x.vary) out += "Vary: Accept-Encoding\r\n";
    out += "X-Influxdb-Build: OSS\r\nX-Influxdb-Version: 2.7-sample\r\n";
    if (status >= 400 && type == json) ((out += "X-Platform-Error-Code: ") += error_code(status)) += "\r\n";
    out += "Date: " + http_date(x.now) + "\r\n";
    if (!x.keep_alive) out += "Connection: close\r\n";
    return out;
}

bool Service::send_whole(Exchange& x, int status, std::string_view type, std::string_view body, std::string_view extra) {
    std::string out = head(x, status, type, extra);
    if (status != 204) out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    out += "\r\n";
    if (!x.head_only) out += body;
    x.status = status;
    x.bytes = body.size();
    return x.connection.write(out);
}

bool Service::send_error(Exchange& x, int status, std::string_view message, bool chunked_framing, std::string_view extra) {
    const std::string body = error_body(status, message);
    if (!chunked_framing) return send_whole(x, status, json, body, extra);
    x.status = status;
    x.bytes = body.size();
    const FaultsOfRequest none{{}, 0};
    Answer answer(x.connection, head(x, status, json, extra), AnswerOptions{options_.chunk_size, false}, none);
    return answer.write(body) && answer.finish();
}

void Service::refuse(Connection& connection, const Error& error) {
    Exchange x{connection};
    x.now = now();
    x.keep_alive = false;
    // The connection is closed next; whether the client still read this is its own affair.
    (void)send_error(x, error.http_status, error.message, false);
}

std::optional<std::string> Service::local_path(std::string_view path) const {
    for (const std::string& prefix : options_.prefixes) {
        if (path.substr(0, prefix.size()) == prefix && path.substr(prefix.size(), 1) == "/") {
            const std::string rest{path.substr(prefix.size())};
            if (rest == "/api/v2/query" || rest == "/api/v2/write" || rest == "/health" || rest == "/ping" || rest == "/ready") return rest;
        }
    }
    return std::nullopt;
}

bool Service::authorized(const HttpRequest& request) const {
    const std::string_view given = request.header("authorization");
    return given == "Token " + options_.token || given == "Bearer " + options_.token;
}

bool Service::serve(Connection& connection, const HttpRequest& request) {
    Exchange x{connection};
    x.now = now();
    x.keep_alive = request.keep_alive;
    x.head_only = request.method == "HEAD";
    x.answer = {options_.chunk_size, takes_gzip(request.header("accept-encoding"))};
    const auto path = local_path(request.path);
    bool good = false;
    if (!path && request.path.find("/api/") != std::string::npos && request.path.find("/api/") == 0) {
        good = send_error(x, 404, "path not found", false);
    } else if (!path) {
        good = send_whole(x, 404, plain, "no assets included in binary\n", "Cache-Control: public, max-age=3600\r\n");
    } else if (*path == "/health") {
        good = send_whole(
            x, 200, json,
            R"({"name":"influxdb", "message":"ready for queries and writes", "status":"pass", "checks":[], "version": "2.7-sample", "commit": "none"})");
    } else if (*path == "/ready") {
        good = send_whole(x, 200, json, "{\n    \"status\": \"ready\"\n}");
    } else if (*path == "/ping") {
        x.vary = true;
        good = send_whole(x, 204, {}, {});
    } else if (request.method != "POST") {
        good = authorized(request) ? send_error(x, 405, "allow: OPTIONS, POST", false, "Allow: OPTIONS, POST\r\n")
                                   : send_error(x, 401, "unauthorized access", false);
    } else {
        good = *path == "/api/v2/write" ? accept_write(x, request) : query(x, request);
    }
    log(x, request);
    return good && x.keep_alive && connection.usable();
}

// Faults that replace the answer.
bool Service::planned_failure(Exchange& x, bool& answered) {
    answered = true;
    if (const Fault* f = x.faults.find(Fault::Kind::status)) {
        const std::string extra = f->retry_after.empty() ? "" : "Retry-After: " + f->retry_after + "\r\n";
        if (f->status != 502 && f->status != 504)
            return send_error(x, f->status, "the sample server was told to answer " + std::to_string(f->status), false, extra);
        const std::string title = std::to_string(f->status) + ' ' + std::string{reason(f->status)};
        return send_whole(x, f->status, "text/html",
                          "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
                              "</h1></center>\r\n</body>\r\n</html>\r\n",
                          extra);
    }
    if (x.faults.find(Fault::Kind::queue_full) != nullptr) return send_error(x, 400, "queue length exceeded", true);
    answered = false;
    return true;
}

std::optional<std::string> Service::unknown_organization(const HttpRequest& request) const {
    const auto name = parameter(request.query, "org"), id = parameter(request.query, "orgID");
    if (!name && !id) return "failed to decode request body: Please provide either orgID or org";
    if (id && *id != options_.org_id) return "failed to decode request body: organization not found";
    if (!id && *name != options_.org && *name != options_.org_id)
        return "failed to decode request body: organization name \"" + *name + "\" not found";
    return std::nullopt;
}

bool Service::query(Exchange& x, const HttpRequest& request) {
    x.number = ++queries_;
    {
        const std::lock_guard lock(mutex_);
        x.faults = FaultsOfRequest{faults_, x.number};
    }
    if (const Fault* delay = x.faults.find(Fault::Kind::delay_first_byte); delay != nullptr && !pause_(delay->delay)) return false;
    bool answered = false;
    const bool sent = planned_failure(x, answered);
    if (answered) return sent;
    if (!authorized(request)) return send_error(x, 401, "unauthorized access", false);
    x.vary = true;
    if (const auto unknown = unknown_organization(request)) return send_error(x, 400, *unknown, false);
    const auto wanted = read_request(request.header("content-type"), request.body);
    if (!wanted) return send_error(x, wanted.error().http_status, wanted.error().message, false);
    if (options_.bench) return send_bench(x);
    return run(x, *wanted, request.header("prefer") == "return-no-content-with-error");
}

bool Service::run(Exchange& x, const QueryRequest& request, bool no_content) {
    Environment environment;
    environment.now = request.now.value_or(x.now);
    environment.v = request.v;
    environment.v_is_set = request.v_is_set;
    environment.buckets = options_.buckets;
    environment.buckets.insert(environment.buckets.end(), options_.empty_buckets.begin(), options_.empty_buckets.end());
    environment.org_id = options_.org_id;
    const auto query = read_query(request.query, environment);
    if (!query) return send_error(x, query.error().http_status, query.error().message, true);
    for (const Pipeline& p : query->pipelines) {
        const bool named = !p.catalogue || p.catalogue->kind != Catalogue::Kind::buckets;
        if (named && !has_bucket(p.bucket))
            return send_error(x, 404, "failed to initialize execute state: could not find bucket \"" + p.bucket + "\"", true);
    }
    const auto results = evaluate(*query, written_);
    if (!results) return send_error(x, results.error().http_status, results.error().message, true);
    return stream(x, *results, request.dialect, no_content);
}

bool Service::has_bucket(std::string_view name) const {
    const auto among = [&](const std::vector<std::string>& names) { return std::find(names.begin(), names.end(), name) != names.end(); };
    return among(options_.buckets) || among(options_.empty_buckets);
}

Result<void> Service::write(const std::string& bucket, std::string_view lines, std::int64_t unit) {
    if (!has_bucket(bucket)) return write_refusal(404, "bucket \"" + bucket + "\" not found");
    const auto points = parse_lines(lines, unit, now());
    if (!points) return points.error();
    if (points->empty()) return write_refusal(400, "writing requires points");
    return written_.write(bucket, *points);
}

bool Service::accept_write(Exchange& x, const HttpRequest& request) {
    if (!authorized(request)) return send_error(x, 401, "unauthorized access", false);
    const auto org = parameter(request.query, "org"), org_id = parameter(request.query, "orgID");
    if (!org && !org_id) return send_error(x, 400, "Please provide either orgID or org", false);
    if (org_id && *org_id != options_.org_id) return send_error(x, 404, "organization not found", false);
    if (!org_id && *org != options_.org && *org != options_.org_id) return send_error(x, 404, "organization name \"" + *org + "\" not found", false);
    const auto bucket = parameter(request.query, "bucket");
    if (!bucket || bucket->empty()) return send_error(x, 404, "bucket \"\" not found", false);
    const auto unit = precision_unit(parameter(request.query, "precision").value_or("ns"));
    if (!unit) return send_error(x, 400, "invalid precision; valid precision units are ns, us, ms, and s", false);
    const auto lines = decoded_body(request);
    if (!lines) return send_error(x, lines.error().http_status, lines.error().message, false);
    const auto done = write(*bucket, *lines, *unit);
    if (!done) return send_error(x, done.error().http_status, done.error().message, false);
    return send_whole(x, 204, {}, {});
}

bool Service::stream(Exchange& x, const std::vector<NamedResult>& results, const Dialect& dialect, bool no_content) {
    constexpr std::size_t buffer_size = 32u << 10;
    const Fault* table_fault = x.faults.find(Fault::Kind::error_table_after);
    const Fault* slow = x.faults.find(Fault::Kind::delay_rows);
    Answer answer(x.connection, head(x, 200, csv), x.answer, x.faults);
    std::string buffer;
    CsvWriter writer(buffer, dialect);
    bool alive = true, nothing_yet = true;
    std::optional<std::string> error;
    const auto pass_on = [&] {
        alive = alive && (no_content || answer.write(buffer));
        buffer.clear();
        return alive;
    };
    const auto on_row = [&](const Row& row) {
        if (table_fault != nullptr && x.rows == table_fault->count) {
            error = "the sample server was told to fail after " + std::to_string(x.rows) + " rows";
            return false;
        }
        writer.row(row);
        nothing_yet = false;
        ++x.rows;
        if (slow != nullptr && x.rows % slow->count == 0) alive = pass_on() && answer.flush() && pause_(slow->delay);
        return alive && (buffer.size() < buffer_size || pass_on());
    };
    for (const NamedResult& result : results) {
        writer.begin_result(result.name);
        for (const Table& table : result.tables) {
            writer.begin_table(table.columns, table.key);
            auto failed = table.rows(on_row);
            if (failed) error = std::move(failed);
            if (error || !alive) break;
            writer.end_table();
        }
        if (error || !alive) break;
        writer.end_result();
        nothing_yet = false;
    }
    // A failure before the first byte is still an HTTP error; later it can only be a table.
    if (error && nothing_yet && table_fault == nullptr && !no_content) return send_error(x, 400, *error, true);
    x.status = 200;
    if (alive) alive = pass_on();
    if (alive && error) alive = answer.write(CsvWriter::error_table(*error, "", nothing_yet || no_content));
    alive = alive && answer.finish();
    x.bytes = answer.body_bytes();
    return alive;
}

bool Service::send_bench(Exchange& x) {
    x.status = 200;
    x.rows = options_.bench->rows;
    x.bytes = bench_wire_.size();
    if (!x.connection.write(head(x, 200, csv) + "Transfer-Encoding: chunked\r\n\r\n")) return false;
    if (const Fault* cut = x.faults.find(Fault::Kind::cut_after)) x.connection.cut_after(cut->count, Connection::Cut::fin);
    if (const Fault* reset = x.faults.find(Fault::Kind::reset_after)) x.connection.cut_after(reset->count, Connection::Cut::reset);
    return x.connection.write(bench_wire_);
}

// The path is the client's text: what could break a terminal is shown as "?". The query string and headers stay out.
void Service::log(const Exchange& x, const HttpRequest& request) {
    if (!options_.log) return;
    std::string line = time_text(x.now) + ' ' + request.method.substr(0, 16) + ' ' + request.path.substr(0, 200);
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c < ' ' || c == '\x7F'; }, '?');
    line += ' ' + (x.status == 0 ? std::string{"no answer"} : std::to_string(x.status));
    if (x.number != 0) line += " query " + std::to_string(x.number) + ", " + std::to_string(x.rows) + " rows";
    line += ", " + std::to_string(x.bytes) + " bytes" + (x.connection.usable() ? "" : ", connection broken off");
    const std::lock_guard lock(mutex_);
    options_.log(line);
}

} // namespace fluxgate::sample
