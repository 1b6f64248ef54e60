#include "config/json_text.hpp"

#include "config/findings.hpp"
#include "config/show.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <charconv>
#include <unordered_set>

namespace fluxgate::config {

namespace {

// Passes events to the document, reads its numbers, and stops the parser where the nesting is too deep or a number too big.
// The numbers come as text: RapidJSON's own exact conversion ends the process for zeros such as 0e90.
struct DepthGuard {
    rapidjson::Document& dom;
    std::size_t depth = 0;
    bool too_deep = false;
    bool too_big = false;
    bool half_pair = false;

    bool enter() {
        too_deep = ++depth > max_document_depth;
        return !too_deep;
    }
    bool Null() { return dom.Null(); }
    bool Bool(bool b) { return dom.Bool(b); }
    bool Int(int i) { return dom.Int(i); }
    bool Uint(unsigned i) { return dom.Uint(i); }
    bool Int64(std::int64_t i) { return dom.Int64(i); }
    bool Uint64(std::uint64_t i) { return dom.Uint64(i); }
    bool Double(double d) { return dom.Double(d); }
    bool RawNumber(const char* s, rapidjson::SizeType n, bool) {
        std::int64_t integer = 0;
        if (whole(s, s + n, integer)) return dom.Int64(integer);
        std::uint64_t natural = 0;
        if (whole(s, s + n, natural)) return dom.Uint64(natural);
        double number = 0;
        // The text is a JSON number, so it can only be out of range, above or below.
        if (std::from_chars(s, s + n, number).ec == std::errc{}) return dom.Double(number);
        too_big = !below_one({s, n});
        return !too_big && dom.Double(*s == '-' ? -0.0 : 0.0);
    }
    bool String(const char* s, rapidjson::SizeType n, bool copy) { return whole_pairs({s, n}) && dom.String(s, n, copy); }
    bool Key(const char* s, rapidjson::SizeType n, bool copy) { return whole_pairs({s, n}) && dom.Key(s, n, copy); }
    // RapidJSON asks a high surrogate for its low one, but takes a low one alone and writes it as bytes that are not UTF-8.
    bool whole_pairs(std::string_view text) {
        for (std::size_t at = text.find('\xED'); at != std::string_view::npos; at = text.find('\xED', at + 1))
            half_pair = half_pair || (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xA0);
        return !half_pair;
    }
    bool StartObject() { return enter() && dom.StartObject(); }
    bool StartArray() { return enter() && dom.StartArray(); }
    // Whether all of the text is a number of this type.
    template <class Integer>
    static bool whole(const char* begin, const char* end, Integer& value) {
        const auto [stop, problem] = std::from_chars(begin, end, value);
        return problem == std::errc{} && stop == end;
    }
    // Of a number out of range: too near to zero, not too far from it.
    static bool below_one(std::string_view number) {
        const std::size_t exponent = number.find_first_of("eE");
        if (exponent != std::string_view::npos) return number[exponent + 1] == '-';
        return number.substr(number.front() == '-' ? 1 : 0, 2) == "0.";
    }
    bool EndObject(rapidjson::SizeType n) {
        --depth;
        return dom.EndObject(n);
    }
    bool EndArray(rapidjson::SizeType n) {
        --depth;
        return dom.EndArray(n);
    }
};

std::string place(std::string_view text, std::size_t offset) {
    std::size_t line = 1, column = 1;
    for (const char c : text.substr(0, offset)) {
        ++column;
        if (c != '\n') continue;
        ++line;
        column = 1;
    }
    return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
}

std::string_view reason(rapidjson::ParseErrorCode code) {
    switch (code) {
    case rapidjson::kParseErrorDocumentEmpty: return "the document is empty; a JSON object is needed";
    case rapidjson::kParseErrorDocumentRootNotSingular: return "text follows the end of the document; remove it";
    case rapidjson::kParseErrorValueInvalid: return "a JSON value is needed here";
    case rapidjson::kParseErrorObjectMissName: return "a field name in double quotes is needed here (no comma before a closing brace)";
    case rapidjson::kParseErrorObjectMissColon: return "a colon is needed after the field name";
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket: return "a comma or a closing brace is needed after a field";
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket: return "a comma or a closing bracket is needed after an element";
    case rapidjson::kParseErrorStringMissQuotationMark: return "a string has no closing quotation mark";
    case rapidjson::kParseErrorStringEscapeInvalid: return "a string has an escape that JSON does not know";
    case rapidjson::kParseErrorStringInvalidEncoding: return "a string has a control character or bytes that are not UTF-8";
    case rapidjson::kParseErrorUnspecificSyntaxError:
        return "this is no comment, or one without an end; a comment goes from // to the end of the line, or from /* to */";
    case rapidjson::kParseErrorNumberTooBig: return "a number is too big for a double";
    default: return rapidjson::GetParseError_En(code);
    }
}

void find_duplicates(const rapidjson::Value& value, const std::string& pointer, Findings& findings) {
    if (findings.full()) return;
    if (value.IsArray()) {
        for (rapidjson::SizeType i = 0; i < value.Size(); ++i)
            find_duplicates(value[i], child(pointer, i), findings);
    }
    if (!value.IsObject()) return;
    std::unordered_set<std::string_view> seen;
    for (const auto& member : value.GetObject()) {
        const std::string_view name{member.name.GetString(), member.name.GetStringLength()};
        if (!seen.insert(name).second)
            findings.error(child(pointer, name), "the field " + quoted(name) + " is given more than once in this object; keep one");
        find_duplicates(member.value, child(pointer, name), findings);
    }
}

template <unsigned extra>
JsonText parse(std::string_view text) {
    JsonText out;
    if (text.size() > max_document_bytes) {
        out.violations.push_back(
            {"", "the document has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(max_document_bytes) + " are allowed"});
        return out;
    }
    // The reader takes a NUL for the end of the text.
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        out.violations.push_back({"", place(text, nul) + "a NUL byte is not allowed in JSON text"});
        return out;
    }
    constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseValidateEncodingFlag | extra;
    // RapidJSON's own stream would skip any part of the mark too.
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    const std::size_t skipped = text.substr(0, mark.size()) == mark ? mark.size() : 0;
    rapidjson::MemoryStream stream{text.data() + skipped, text.size() - skipped};
    DepthGuard guard{out.dom};
    rapidjson::Reader reader;
    const auto generate = [&](rapidjson::Document&) { return !reader.Parse<flags>(stream, guard).IsError(); };
    out.dom.Populate(generate);
    if (reader.HasParseError()) {
        const std::string_view why = guard.too_deep    ? "more than 100 objects and arrays inside each other"
                                     : guard.half_pair ? "a string has one half of a surrogate pair without the other"
                                     : guard.too_big   ? reason(rapidjson::kParseErrorNumberTooBig)
                                                       : reason(reader.GetParseErrorCode());
        out.violations.push_back({"", place(text, skipped + reader.GetErrorOffset()) + std::string{why}});
        return out;
    }
    out.parsed = true;
    Findings findings;
    find_duplicates(out.dom, "", findings);
    out.violations = std::move(findings).take(out.dom);
    return out;
}

} // namespace

JsonText parse_json(std::string_view text) {
    return parse<0>(text);
}

JsonText parse_jsonc(std::string_view text) {
    return parse<rapidjson::kParseCommentsFlag | rapidjson::kParseTrailingCommasFlag>(text);
}

std::string to_text(const rapidjson::Value& value) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
    value.Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

} // namespace fluxgate::config
