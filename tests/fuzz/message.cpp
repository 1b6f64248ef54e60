// The renderer on rows of any bytes: each message is one line of valid UTF-8 and strict JSON, without a name given twice in
// its payload, and says what the row says (strings by a decoder of UTF-8 of this file's own, numbers by their text).
// Input: options, three column types, names and rows; or, by an option, a whole body of annotated CSV.
#include "flux/reader.hpp"
#include "input.hpp"
#include "message/renderer.hpp"
#include "targets.hpp"

#include <rapidjson/document.h>

#include <cmath>
#include <cstdlib>
#include <set>

namespace fluxgate::fuzz::message {

namespace {

using flux::Event;
using flux::Field;
using fluxgate::message::Buffer;
using fluxgate::message::NonFinite;
using fluxgate::message::Nulls;
using fluxgate::message::Options;
using fluxgate::message::PayloadSpan;
using fluxgate::message::Renderer;
using fluxgate::message::RowFault;

// The WHATWG decoder of UTF-8, step by step as its standard states it.
std::string whatwg_utf8(std::string_view bytes) {
    std::string out, sequence;
    unsigned needed = 0, lower = 0x80, upper = 0xBF;
    const std::string replacement = "\xEF\xBF\xBD";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        if (needed == 0) {
            if (byte < 0x80) {
                out += bytes[i];
                continue;
            }
            needed = byte >= 0xC2 && byte <= 0xDF ? 1 : byte >= 0xE0 && byte <= 0xEF ? 2 : byte >= 0xF0 && byte <= 0xF4 ? 3 : 0;
            if (byte == 0xE0) lower = 0xA0;
            if (byte == 0xED) upper = 0x9F;
            if (byte == 0xF0) lower = 0x90;
            if (byte == 0xF4) upper = 0x8F;
            if (needed == 0) out += replacement;
            sequence = bytes[i];
            continue;
        }
        if (byte < lower || byte > upper) {
            out += replacement;
            needed = 0;
            --i; // this byte begins anew
        } else {
            sequence += bytes[i];
            if (--needed == 0) out += sequence;
        }
        lower = 0x80;
        upper = 0xBF;
    }
    return needed == 0 ? out : out + replacement;
}

std::string_view text_of(const rapidjson::Value& value) {
    return {value.GetString(), value.GetStringLength()};
}

// `number` is the text of a value that is a number, "" of others.
void same_value(const rapidjson::Value& value, std::string_view number, const flux::Column& column, const Field& field, const Options& options) {
    const bool defaulted = field.size == 0;
    const std::string text = defaulted ? column.default_value : flux::decode(field);
    const std::string_view raw = defaulted ? std::string_view{column.default_value} : field.raw();
    if (text.empty()) return demand(value.IsNull(), "an empty field without a default is null");
    switch (column.type) {
    case flux::Type::boolean: return demand(value.IsBool() && value.GetBool() == (raw == "true"), "a boolean is itself");
    case flux::Type::long_:
    case flux::Type::unsigned_long: return demand_equal(number, raw, "an integer is exact");
    case flux::Type::double_: {
        const double wanted = std::strtod(std::string{raw}.c_str(), nullptr);
        if (!number.empty()) return demand(std::strtod(std::string{number}.c_str(), nullptr) == wanted, "a double is the same number");
        demand(!std::isfinite(wanted), "a finite double is a number");
        return demand(options.non_finite == NonFinite::null ? value.IsNull() : value.IsString() && text_of(value) == raw, "NaN and infinities");
    }
    default: break;
    }
    demand(value.IsString(), "a text is a string");
    demand_equal(text_of(value), whatwg_utf8(text), "a text is itself, what is not UTF-8 replaced");
}

// `texts` is the payload with its numbers as strings: RapidJSON's own doubles are not exact for hundreds of digits.
void same_payload(const rapidjson::Value& payload, const rapidjson::Value& texts, const flux::Reader& reader, const Renderer& renderer,
                  const Options& options) {
    const flux::Table& table = reader.table();
    std::set<std::string> names;
    auto member = payload.MemberBegin();
    auto as_text = texts.MemberBegin();
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (static_cast<int>(i) == table.result_column || static_cast<int>(i) == table.table_column) continue;
        const Field& field = reader.row().fields[i];
        const bool null = field.size == 0 && table.columns[i].default_value.empty();
        if (null && options.nulls == Nulls::omit) continue;
        demand(member != payload.MemberEnd(), "a column is in the payload");
        const std::string name{text_of(member->name)};
        demand(names.insert(name).second, "no name is given twice in a payload");
        demand_equal(name, renderer.payload_name(i), "the name that is told of a column is the one that is written");
        const std::string sent = whatwg_utf8(table.columns[i].name);
        demand_equal(name.substr(0, sent.size()), sent, "a column keeps its name, or gets a suffix");
        same_value(member->value, member->value.IsNumber() ? text_of(as_text->value) : "", table.columns[i], field, options);
        ++member;
        ++as_text;
    }
    demand(member == payload.MemberEnd(), "the payload has no other members");
}

class Run {
public:
    Run(Options options, flux::Limits limits) : options_(options), reader_(limits), renderer_(options) {}

    void render(std::string_view body) {
        reader_.feed(body);
        for (;;) {
            switch (reader_.next()) {
            case Event::table: renderer_.set_table(reader_.table()); break;
            case Event::row: on_row(); break;
            case Event::long_row: break;
            case Event::need_more:
            case Event::failed: return;
            }
        }
    }

private:
    void on_row() {
        Buffer out;
        out.append("left alone");
        const std::size_t before = out.size();
        const std::string key{reader_.row().raw.substr(0, 30)};
        fluxgate::message::append_head(out, "2026-11-21T10:02:07.123Z", 3, &key);
        const std::size_t tail = out.size();
        PayloadSpan span;
        RowFault fault;
        if (!renderer_.append_tail(reader_.row(), out, span, fault)) {
            demand_equal(out.size(), tail, "a row that is refused leaves nothing behind");
            demand(!fault.code.empty() && !fault.text.empty(), "a row that is refused has a reason");
            demand(fault.text.find('\n') == std::string::npos, "a reason is one line");
            return;
        }
        judge(out.view().substr(before), out.view().substr(span.begin, span.end - span.begin), key);
    }

    void judge(std::string_view text, std::string_view payload_text, const std::string& key) {
        for (const char c : text) {
            if (static_cast<unsigned char>(c) < 0x20) broken("a message is one line without control characters", std::string{text});
        }
        constexpr unsigned flags = rapidjson::kParseValidateEncodingFlag;
        rapidjson::Document message, payload, texts;
        message.Parse<flags>(text.data(), text.size());
        // RapidJSON refuses numbers beyond the doubles, which are JSON.
        if (message.HasParseError() && message.GetParseError() == rapidjson::kParseErrorNumberTooBig) return;
        if (message.HasParseError()) broken("a message is strict JSON in valid UTF-8", std::string{text});
        payload.Parse<flags>(payload_text.data(), payload_text.size());
        demand(!payload.HasParseError() && payload.IsObject() && payload == message["payload"], "the payload's span is the payload");
        demand_equal(text_of(message["systemProperties"]["partitionKey"]), whatwg_utf8(key), "the partition's key is itself");
        demand(message["userProperties"].IsArray() && message["properties"].IsObject(), "a message has all its parts");
        texts.Parse<flags | rapidjson::kParseNumbersAsStringsFlag>(payload_text.data(), payload_text.size());
        same_payload(payload, texts, reader_, renderer_, options_);
    }

    Options options_;
    flux::Reader reader_;
    Renderer renderer_;
};

std::string typed_head(std::uint8_t a, std::uint8_t b, std::uint8_t c) {
    static constexpr const char* types[] = {"string",           "double",          "long", "unsignedLong", "boolean", "duration", "base64Binary",
                                            "dateTime:RFC3339", "dateTime:number", "odd"};
    std::string out = "#datatype,string,long";
    for (const std::uint8_t type : {a, b, c})
        out += std::string{","} + types[type % std::size(types)];
    return out + "\r\n#default,_result,7,,,\r\n,result,table,";
}

} // namespace

int fuzz_one(const std::uint8_t* data, std::size_t size) {
    Input input{data, size};
    const std::uint8_t choice = input.byte();
    Options options;
    options.non_finite = (choice & 1) != 0 ? NonFinite::string : (choice & 2) != 0 ? NonFinite::dead_letter : NonFinite::null;
    options.nulls = (choice & 4) != 0 ? Nulls::omit : Nulls::include;
    Run run{options, flux::Limits{}};
    if ((choice & 8) != 0) {
        run.render(input.rest());
        return 0;
    }
    const std::uint8_t a = input.byte(), b = input.byte(), c = input.byte();
    run.render(typed_head(a, b, c) + std::string{input.rest()} + "\n");
    return 0;
}

} // namespace fluxgate::fuzz::message
