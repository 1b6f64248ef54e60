#include "request.hpp"

#include "flux_lexer.hpp"

#include <rapidjson/document.h>

namespace fluxgate::sample {
namespace {

using Json = rapidjson::Value;

Error undecodable(std::string_view why) {
    Error e;
    e.code = Errc::query;
    e.http_status = 400;
    e.message = "failed to decode request body: ";
    e.message += why;
    return e;
}

Error not_json(std::string_view body, std::size_t offset, rapidjson::ParseErrorCode code) {
    std::string why =
        "failed parsing request body as JSON; if sending a raw Flux script, set 'Content-Type: application/vnd.flux' in your request headers: ";
    if (code == rapidjson::kParseErrorDocumentEmpty) {
        why += "EOF";
    } else if (offset >= body.size()) {
        why += "unexpected EOF";
    } else {
        why += "invalid character '";
        why += body[offset];
        why += code == rapidjson::kParseErrorObjectMissName ? "' looking for beginning of object key string" : "' looking for beginning of value";
    }
    return undecodable(why);
}

std::string_view text(const Json& value) {
    return {value.GetString(), value.GetStringLength()};
}

const Json* member(const Json& object, const char* name) {
    if (!object.IsObject()) return nullptr;
    const auto found = object.FindMember(name);
    return found == object.MemberEnd() ? nullptr : &found->value;
}

bool is_text(const Json* value, std::string_view wanted) {
    return value != nullptr && value->IsString() && text(*value) == wanted;
}

std::optional<Error> read_dialect(const Json& dialect, Dialect& out) {
    if (const Json* annotations = member(dialect, "annotations"); annotations != nullptr && annotations->IsArray()) {
        for (const Json& a : annotations->GetArray()) {
            const std::string_view name = a.IsString() ? text(a) : std::string_view{};
            if (name != "datatype" && name != "group" && name != "default")
                return undecodable("unknown dialect annotation type: " + std::string{name});
            out.datatype = out.datatype || name == "datatype";
            out.group = out.group || name == "group";
            out.defaults = out.defaults || name == "default";
        }
    }
    if (const Json* header = member(dialect, "header"); header != nullptr && header->IsBool()) out.header = header->GetBool();
    if (const Json* delimiter = member(dialect, "delimiter"); delimiter != nullptr && delimiter->IsString() && delimiter->GetStringLength() > 0) {
        const std::string_view d = text(*delimiter);
        if (d.size() != 1 || d == "\"" || d == "\r" || d == "\n") return undecodable("invalid dialect delimiter: must be a single character");
        out.delimiter = d[0];
    }
    if (const Json* format = member(dialect, "dateTimeFormat"); format != nullptr && !is_text(format, "RFC3339") && !is_text(format, "RFC3339Nano"))
        return undecodable("unknown dialect date time format: " + std::string{format->IsString() ? text(*format) : ""});
    return std::nullopt;
}

std::optional<TimeSpec> literal(const Json& value) {
    const Json* type = member(value, "type");
    if (is_text(type, "DateTimeLiteral")) {
        const Json* at = member(value, "value");
        const auto time = at != nullptr && at->IsString() ? parse_time(text(*at)) : std::nullopt;
        return time ? std::optional{TimeSpec{false, time->ns}} : std::nullopt;
    }
    if (is_text(type, "UnaryExpression") && is_text(member(value, "operator"), "-")) {
        const Json* argument = member(value, "argument");
        auto inner = argument != nullptr && is_text(member(*argument, "type"), "DurationLiteral") ? literal(*argument) : std::nullopt;
        if (inner) inner->ns = -inner->ns;
        return inner;
    }
    if (!is_text(type, "DurationLiteral")) return std::nullopt;
    const Json* values = member(value, "values");
    if (values == nullptr || !values->IsArray()) return std::nullopt;
    TimeSpec sum{true, 0};
    for (const Json& part : values->GetArray()) {
        const Json *magnitude = member(part, "magnitude"), *unit = member(part, "unit");
        if (magnitude == nullptr || !magnitude->IsInt64() || unit == nullptr || !unit->IsString()) return std::nullopt;
        const auto ns = flux::nanoseconds_of(text(*unit));
        std::int64_t product = 0;
        if (!ns || __builtin_mul_overflow(magnitude->GetInt64(), *ns, &product) || __builtin_add_overflow(sum.ns, product, &sum.ns))
            return std::nullopt;
    }
    return sum;
}

// A Flux file as syntax tree; the one thing that is looked for is `option v = {name: time, ...}`.
std::optional<Error> read_extern(const Json& file, QueryRequest& out) {
    const Json* body = member(file, "body");
    if (body == nullptr || !body->IsArray()) return undecodable("the sample server reads an extern of type File with a body only");
    for (const Json& statement : body->GetArray()) {
        const Json* assignment = member(statement, "assignment");
        const Json* id = assignment == nullptr ? nullptr : member(*assignment, "id");
        const Json* init = assignment == nullptr ? nullptr : member(*assignment, "init");
        const Json* properties = init == nullptr ? nullptr : member(*init, "properties");
        if (!is_text(member(statement, "type"), "OptionStatement") || id == nullptr || !is_text(member(*id, "name"), "v") || properties == nullptr ||
            !properties->IsArray())
            return undecodable("the sample server reads an extern of the form option v = {...} only");
        out.v_is_set = true;
        for (const Json& p : properties->GetArray()) {
            const Json *key = member(p, "key"), *value = member(p, "value");
            const Json* name = key == nullptr ? nullptr : member(*key, "name");
            if (name == nullptr || !name->IsString() || value == nullptr) return undecodable("the extern has a property without a name or value");
            const auto spec = literal(*value);
            if (!spec) return undecodable("the sample server reads times and durations in an extern only (" + std::string{text(*name)} + ")");
            out.v[std::string{text(*name)}] = *spec;
        }
    }
    return std::nullopt;
}

} // namespace

Result<QueryRequest> read_request(std::string_view content_type, std::string_view body) {
    QueryRequest out;
    if (content_type.substr(0, content_type.find(';')) == "application/vnd.flux") {
        out.query = body;
        if (body.empty()) return undecodable("request body requires either query or AST");
        return out;
    }
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
    if (document.HasParseError()) return not_json(body, document.GetErrorOffset(), document.GetParseError());
    const Json* query = member(document, "query");
    if (query == nullptr || !query->IsString() || query->GetStringLength() == 0) return undecodable("request body requires either query or AST");
    out.query = text(*query);
    if (const Json* type = member(document, "type"); type != nullptr && type->IsString() && type->GetStringLength() > 0 && !is_text(type, "flux"))
        return undecodable("unknown query type: " + std::string{text(*type)});
    if (const Json* now = member(document, "now"); now != nullptr && now->IsString()) {
        out.now = parse_time(text(*now));
        if (!out.now) return undecodable("parsing time \"" + std::string{text(*now)} + "\" as RFC 3339 failed");
    }
    if (const Json* dialect = member(document, "dialect"); dialect != nullptr && dialect->IsObject()) {
        if (auto e = read_dialect(*dialect, out.dialect)) return *e;
    }
    if (const Json* given = member(document, "extern"); given != nullptr && !given->IsNull()) {
        if (auto e = read_extern(*given, out)) return *e;
    }
    return out;
}

std::string_view error_code(int status) {
    switch (status) {
    case 400: return "invalid";
    case 401: return "unauthorized";
    case 403: return "forbidden";
    case 404: return "not found";
    case 405: return "method not allowed";
    case 413: return "request too large";
    case 422: return "unprocessable entity";
    case 429: return "too many requests";
    case 503: return "unavailable";
    default: return "internal error";
    }
}

// As Go's encoding/json writes it, which escapes < > & too.
std::string error_body(int status, std::string_view message) {
    std::string out = "{\"code\":\"";
    out += error_code(status);
    out += "\",\"message\":\"";
    for (const char c : message) {
        switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        case '<': out += "\\u003c"; break;
        case '>': out += "\\u003e"; break;
        case '&': out += "\\u0026"; break;
        default:
            if (static_cast<unsigned char>(c) < 0x20) {
                constexpr std::string_view hex = "0123456789abcdef";
                (out += "\\u00") += hex[static_cast<unsigned char>(c) >> 4];
                out += hex[static_cast<unsigned char>(c) & 15u];
            } else {
                out += c;
            }
        }
    }
    return out += "\"}";
}

} // namespace fluxgate::sample
