#include "config/references.hpp"

#include "config/show.hpp"

#include <algorithm>
#include <array>

namespace fluxgate::config {

namespace {

bool starts_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool continues_name(char c) {
    return starts_name(c) || (c >= '0' && c <= '9');
}

// RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t size = lead < 0x80                   ? 1
                                 : lead >= 0xC2 && lead < 0xE0 ? 2
                                 : lead >= 0xE0 && lead < 0xF0 ? 3
                                 : lead >= 0xF0 && lead < 0xF5 ? 4
                                                               : 0;
        if (size == 0 || i + size > text.size()) return false;
        for (std::size_t k = 1; k < size; ++k)
            if ((static_cast<unsigned char>(text[i + k]) & 0xC0u) != 0x80u) return false;
        const auto second = size > 1 ? static_cast<unsigned char>(text[i + 1]) : 0u;
        if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) || (lead == 0xF0 && second < 0x90) ||
            (lead == 0xF4 && second >= 0x90))
            return false;
        i += size;
    }
    return true;
}

// What stands between "${" and "}".
struct Written {
    std::string_view name, default_text;
    bool has_default = false;
    std::string problem;
};

Written take_apart(std::string_view inside) {
    Written out;
    std::size_t end = 0;
    while (end < inside.size() && continues_name(inside[end]))
        ++end;
    const std::string_view rest = inside.substr(end);
    out.name = inside.substr(0, end);
    out.has_default = rest.substr(0, 2) == ":-";
    if (out.name.empty() || !starts_name(out.name.front()) || (!rest.empty() && !out.has_default)) {
        out.problem = quoted("${" + std::string{inside.substr(0, 40)} + "}") +
                      " is no reference to an environment variable; write ${NAME} or ${NAME:-default}, or $${ for a literal ${";
        return out;
    }
    if (out.has_default) out.default_text = rest.substr(2);
    if (out.default_text.find("${") != std::string_view::npos)
        out.problem = "the default of ${" + std::string{out.name} + ":-...} holds a reference itself; a default is plain text";
    return out;
}

Reference resolve(const Written& written, const Variables& variables, std::string& problem) {
    Reference out{std::string{written.name}, {}, false, std::string{written.default_text}};
    if (names_credential(written.name)) {
        problem = "the environment variable " + out.name +
                  " looks like a credential, and documents hold none; the settings that need one name it, as \"accessToken\": \"" + out.name + "\"";
        return out;
    }
    std::optional<std::string> value = variables(written.name);
    if (written.has_default && (!value || value->empty())) {
        out.defaulted = true;
        out.value = out.default_text;
    } else if (!value) {
        problem = "the environment variable " + out.name + " is not set; set it, or give a default here: ${" + out.name + ":-default}";
    } else if (!is_utf8(*value)) {
        problem = "the value of the environment variable " + out.name + " is not UTF-8 text";
    } else {
        out.value = std::move(*value);
    }
    return out;
}

} // namespace

bool has_reference(std::string_view text) {
    return text.find("${") != std::string_view::npos;
}

Expansion expand_references(std::string_view text, const Variables& variables, std::size_t most) {
    Expansion out;
    const auto fail = [&out](std::string problem) {
        out.text.clear();
        out.problem = std::move(problem);
        return out;
    };
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t dollar = std::min(text.find('$', at), text.size());
        out.text += text.substr(at, dollar - at);
        at = dollar;
        if (at == text.size()) break;
        if (text.substr(at, 3) == "$${") {
            out.text += "${";
            at += 3;
        } else if (text.substr(at, 2) != "${") {
            out.text += text[at++];
        } else {
            const std::size_t close = text.find('}', at);
            if (close == std::string_view::npos) return fail("a reference that begins with ${ has no closing brace; write $${ for a literal ${");
            const Written written = take_apart(text.substr(at + 2, close - at - 2));
            if (!written.problem.empty()) return fail(written.problem);
            std::string problem;
            Reference reference = resolve(written, variables, problem);
            if (!problem.empty()) return fail(std::move(problem));
            out.whole = at == 0 && close + 1 == text.size();
            out.text += reference.value;
            out.references.push_back(std::move(reference));
            at = close + 1;
        }
        if (out.text.size() > most) return fail("with the values of its environment variables the document is longer than 16 MiB");
    }
    return out;
}

std::string escape_references(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t found = std::min(text.find("${", at), text.size());
        out += text.substr(at, found - at);
        at = found;
        if (at == text.size()) break;
        out += "$${";
        at += 2;
    }
    return out;
}

bool names_credential(std::string_view variable) {
    std::vector<std::string> words(1);
    for (const char c : variable) {
        if (c == '_')
            words.emplace_back();
        else
            words.back() += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    words.erase(std::remove(words.begin(), words.end(), std::string{}), words.end());
    if (words.empty()) return false;
    const std::string& last = words.back();
    const std::string before = words.size() > 1 ? words[words.size() - 2] : std::string{};
    const auto is_one_of = [](const std::string& word, const auto& list) { return std::find(list.begin(), list.end(), word) != list.end(); };
    using namespace std::string_view_literals;
    static constexpr std::array always{"TOKEN"sv,       "SECRET"sv,    "PASSWORD"sv,    "PASSPHRASE"sv,   "CREDENTIAL"sv,
                                       "CREDENTIALS"sv, "APITOKEN"sv,  "ACCESSTOKEN"sv, "AUTHTOKEN"sv,    "APIKEY"sv,
                                       "ACCESSKEY"sv,   "SECRETKEY"sv, "PRIVATEKEY"sv,  "CLIENTSECRET"sv, "DBPASSWORD"sv};
    static constexpr std::array behind{"PASS"sv, "PASSWD"sv, "PWD"sv};
    static constexpr std::array keys{"API"sv, "ACCESS"sv, "PRIVATE"sv, "SECRET"sv};
    return is_one_of(last, always) || (!before.empty() && is_one_of(last, behind)) || (last == "KEY" && is_one_of(before, keys));
}

} // namespace fluxgate::config
