#include "config/relationship.hpp"

#include "config/base64.hpp"
#include "config/document_form.hpp"
#include "config/json_text.hpp"
#include "config/names.hpp"
#include "config/show.hpp"
#include "config/url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace fluxgate::config {

namespace {

using rapidjson::Value;

constexpr const char* source_type = "input/influxdbv2@v1";

// The properties of an endpoint as text, from whichever form.
struct Endpoint {
    std::string from, scheme, host, port, path, organization, token, bucket;
};

struct Wanted {
    std::string name;
    std::optional<std::size_t> index;
};

Error fault(std::string message) {
    return {Errc::configuration, std::move(message)};
}

std::string relationship_named(const std::string& name) {
    return "the relationship " + quoted(name);
}

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

std::optional<std::size_t> index_of(std::string_view text) {
    std::size_t index = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), index);
    if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return index;
}

Result<Wanted> wanted_of(std::string_view text) {
    const std::size_t colon = text.find(':');
    Wanted out{std::string{text.substr(0, colon)}, std::nullopt};
    const bool named = !out.name.empty() && out.name.size() <= 128 && std::all_of(out.name.begin(), out.name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    });
    if (colon != std::string_view::npos) out.index = index_of(text.substr(colon + 1));
    if (named && (colon == std::string_view::npos || out.index)) return out;
    return fault(quoted(text) + " names no relationship; write NAME as the platform's configuration has it (letters, digits, '.', '_', '-'), or "
                                "NAME:INDEX for one of several endpoints, from 0");
}

// A string, or a number as text; "" for null and what is not there.
std::string scalar(const Value* value) {
    if (value == nullptr) return {};
    return value->IsNumber() ? to_text(*value) : text_of(value);
}

Endpoint endpoint_of(const Value& entry, std::string from) {
    static const Value none{rapidjson::kObjectType};
    const Value* query = object_member_of(entry, "query");
    const Value& inside = query != nullptr ? *query : none;
    const auto either = [&](const char* name) {
        const std::string value = scalar(member_of(inside, name));
        return value.empty() ? scalar(member_of(entry, name)) : value; // beside host before version 2.3
    };
    return {std::move(from),
            scalar(member_of(entry, "scheme")),
            scalar(member_of(entry, "host")),
            scalar(member_of(entry, "port")),
            scalar(member_of(entry, "path")),
            either("org"),
            either("api_token"),
            either("bucket")};
}

struct Listed {
    std::vector<Endpoint> endpoints;    // of the relationship
    std::vector<std::string> names;     // of every relationship that there is
    std::vector<std::string> variables; // *_RELATIONSHIPS that were read
    std::vector<std::string> holders;   // those of them that have the relationship
    std::string problem;                // what is wrong with the relationship
    std::string unreadable;             // what is wrong with a variable, which may be somebody else's
};

// One *_RELATIONSHIPS variable.
void read_list(const std::string& variable, const std::string& value, const std::string& name, Listed& out) {
    const std::optional<std::string> text = decode_base64(value);
    const JsonText json = parse_json(text ? *text : std::string{});
    if (!text || !json.parsed || !json.dom.IsObject()) {
        if (out.unreadable.empty())
            out.unreadable = "the environment variable " + variable + (!text ? " is not base64" : " is base64 of something else than a JSON object") +
                             " (" + std::to_string(value.size()) + " bytes); it must be base64 of a JSON object of relationships";
        return;
    }
    out.variables.push_back(variable);
    for (const auto& member : json.dom.GetObject())
        out.names.push_back(text_of(&member.name));
    const Value* list = member_of(json.dom, name.c_str());
    if (list == nullptr) return;
    out.holders.push_back(variable);
    if (!list->IsArray() || list->Empty() || !std::all_of(list->Begin(), list->End(), [](const Value& v) { return v.IsObject(); })) {
        if (out.problem.empty()) out.problem = relationship_named(name) + " in " + variable + " is no list of endpoints";
        return;
    }
    if (out.endpoints.empty()) // of several variables the first; that they agree is checked by the caller
        for (const Value& entry : list->GetArray())
            out.endpoints.push_back(endpoint_of(entry, variable));
    else if (out.endpoints.size() != list->Size() || endpoint_of((*list)[0], {}).host != out.endpoints.front().host ||
             endpoint_of((*list)[0], {}).token != out.endpoints.front().token)
        out.problem = relationship_named(name) + " is in " + quoted_list({out.holders.begin(), out.holders.end()}) +
                      ", and they differ; leave one of them out, as in: env -u " + variable + " fluxgate ...";
}

Listed read_lists(const Environment& environment, const std::string& name) {
    Listed out;
    Environment sorted = environment;
    std::sort(sorted.begin(), sorted.end());
    for (const auto& [variable, value] : sorted)
        if (ends_with(variable, "_RELATIONSHIPS") && !value.empty()) read_list(variable, value, name, out);
    return out;
}

// {'org': 'main', 'api_token': '...'} is what some platforms write instead of JSON.
std::string double_quoted(std::string_view text) {
    std::string out;
    bool inside = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && i + 1 < text.size()) {
            const char next = text[++i];
            if (next != '\'') out += c;
            out += next;
        } else if (c == '\'') {
            inside = !inside;
            out += '"';
        } else if (c == '"' && inside) {
            out += "\\\"";
        } else {
            out += c;
        }
    }
    return out;
}

std::string prefix_of(const std::string& name) {
    std::string out;
    for (const char c : name) {
        const bool letter = c >= 'a' && c <= 'z';
        const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        out += letter ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
    }
    return out;
}

// The form of one variable a property; none when NAME_HOST is not there.
Result<std::optional<Endpoint>> read_properties(const Environment& environment, const std::string& name) {
    const std::string prefix = prefix_of(name) + "_";
    const auto value_of = [&](const char* property) {
        const auto found = std::find_if(environment.begin(), environment.end(), [&](const auto& v) { return v.first == prefix + property; });
        return found == environment.end() ? std::string{} : found->second;
    };
    Endpoint out{prefix + "HOST and others", value_of("SCHEME"), value_of("HOST"),      value_of("PORT"),
                 value_of("PATH"),           value_of("ORG"),    value_of("API_TOKEN"), value_of("BUCKET")};
    if (out.host.empty()) return std::optional<Endpoint>{};
    const std::string query = value_of("QUERY");
    if (query.empty()) return std::optional{out};
    JsonText json = parse_json(query);
    if (!json.parsed) json = parse_json(double_quoted(query));
    if (!json.parsed || !json.dom.IsObject())
        return fault("the environment variable " + prefix + "QUERY is no JSON object (" + std::to_string(query.size()) +
                     " bytes, not shown); it must hold org and api_token, as {\"org\": ..., \"api_token\": ...}");
    const Endpoint more = endpoint_of(json.dom, {});
    if (!more.organization.empty()) out.organization = more.organization;
    if (!more.token.empty()) out.token = more.token;
    if (!more.bucket.empty()) out.bucket = more.bucket;
    return std::optional{out};
}

Error not_there(const std::string& name, const Listed& lists) {
    const std::string prefix = prefix_of(name);
    std::string message = "there is no relationship " + quoted(name) + " in the environment: ";
    if (!lists.unreadable.empty()) {
        message += lists.unreadable;
    } else if (lists.variables.empty()) {
        message += "no variable ends in _RELATIONSHIPS";
    } else {
        const std::vector<std::string_view> names{lists.names.begin(), lists.names.end()};
        message += quoted_list({lists.variables.begin(), lists.variables.end()}) + (names.empty() ? " has none" : " has " + quoted_list(names));
        if (const std::string_view near = nearest_name(name, names); !near.empty()) message += " (is " + quoted(near) + " meant?)";
    }
    return fault(message + ", and there is no variable " + prefix +
                 "_HOST; give the application a relationship of this name, or run without --relationship");
}

Result<Endpoint> find_endpoint(const Wanted& wanted, const Environment& environment) {
    const Listed lists = read_lists(environment, wanted.name);
    if (!lists.problem.empty()) return fault(lists.problem);
    auto properties = read_properties(environment, wanted.name);
    if (!properties.ok()) return std::move(properties).error();
    if (lists.endpoints.empty()) {
        if (!*properties) return not_there(wanted.name, lists);
        if (wanted.index.value_or(0) != 0) return fault(relationship_named(wanted.name) + " has one endpoint; write it without :INDEX");
        return *std::move(*properties);
    }
    const std::size_t count = lists.endpoints.size();
    if (!wanted.index && count > 1)
        return fault(relationship_named(wanted.name) + " in " + lists.endpoints.front().from + " has " + std::to_string(count) +
                     " endpoints; say which one: --relationship " + wanted.name + ":0 is the first, " + lists.endpoints.front().host);
    if (wanted.index.value_or(0) >= count)
        return fault(relationship_named(wanted.name) + " in " + lists.endpoints.front().from + " has " + std::to_string(count) +
                     (count == 1 ? " endpoint" : " endpoints") + ", counted from 0; there is no " + std::to_string(*wanted.index));
    const Endpoint& found = lists.endpoints[wanted.index.value_or(0)];
    if (*properties && count == 1 && ((*properties)->host != found.host || (*properties)->port != found.port))
        return fault(relationship_named(wanted.name) + " is " + found.host + ":" + found.port + " in " + found.from + ", but " + (*properties)->host +
                     ":" + (*properties)->port + " in " + (*properties)->from + "; leave one of them out, as in: env -u " + found.from +
                     " fluxgate ...");
    return found;
}

Error lacks(const std::string& name, const Endpoint& endpoint, const std::string& what) {
    return fault(relationship_named(name) + " in " + endpoint.from + " " + what);
}

} // namespace

Result<Relationship> read_relationship(std::string_view text, const Environment& environment) {
    const auto wanted = wanted_of(text);
    if (!wanted.ok()) return wanted.error();
    const auto found = find_endpoint(*wanted, environment);
    if (!found.ok()) return found.error();
    const Endpoint& e = *found;
    Relationship out{wanted->name, e.from, e.scheme == "https", e.host, 0, e.path, e.organization, e.token, e.bucket};
    if (e.scheme != "http" && e.scheme != "https")
        return lacks(out.name, e,
                     "has the scheme " + quoted(e.scheme) + "; an InfluxDB v2 service has http or https: is it another service's relationship?");
    if (out.host.empty()) return lacks(out.name, e, "has no host");
    const auto port = index_of(e.port);
    if (!port || *port < 1 || *port > 65535) return lacks(out.name, e, "has the port " + quoted(e.port) + "; a number from 1 to 65535 is needed");
    out.port = static_cast<std::uint16_t>(*port);
    if (!out.path.empty() && out.path.front() != '/') out.path.insert(0, "/");
    if (out.token.empty())
        return lacks(out.name, e,
                     "has no query.api_token, so it is no InfluxDB v2 service (1.x has user names and passwords, which are not supported)");
    if (out.organization.empty()) return lacks(out.name, e, "has no query.org, the organization that owns the data");
    if (out.host.find(':') != std::string::npos && out.host.front() == '[' && out.host.back() == ']')
        out.host = out.host.substr(1, out.host.size() - 2);
    return out;
}

std::string secret_of(const Relationship& relationship) {
    return "relationship." + relationship.name;
}

SourcePatch patch_of(const Relationship& relationship) {
    const bool v6 = relationship.host.find(':') != std::string::npos;
    const std::string url = std::string{relationship.https ? "https://" : "http://"} + (v6 ? "[" + relationship.host + "]" : relationship.host) +
                            (relationship.path == "/" ? "" : relationship.path);
    rapidjson::Document members;
    members.SetObject();
    auto& allocator = members.GetAllocator();
    Value authentication{rapidjson::kObjectType};
    authentication.AddMember("type", "accessToken", allocator);
    authentication.AddMember("accessToken", Value{secret_of(relationship).c_str(), allocator}, allocator);
    members.AddMember("url", Value{url.c_str(), allocator}, allocator);
    members.AddMember("port", Value{static_cast<unsigned>(relationship.port)}, allocator);
    members.AddMember("organization", Value{relationship.organization.c_str(), allocator}, allocator);
    members.AddMember("authentication", authentication, allocator);
    return {relationship_named(relationship.name) + " (" + relationship.from + ")", source_type, to_text(members)};
}

} // namespace fluxgate::config
