// A server with rows at instants, of which each query gets those of its v.timeRangeStart and v.timeRangeStop: what incremental
// reading is tested against. It remembers every range that it was asked for.
#pragma once

#include "support/raw_server.hpp"
#include "window/instant.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fluxgate::test {

class WindowServer {
public:
    struct Asked {
        window::Edges range;
        std::string now, request;
    };
    struct Row {
        window::Instant time = 0;
        std::string value, host;
        friend bool operator<(const Row& a, const Row& b) { return a.time < b.time; }
    };
    // What is answered instead of the rows; empty: the rows.
    using Instead = std::function<Reply(const Asked& asked, std::size_t number)>;

    WindowServer() : server_([this](const std::string& request, int) { return answer(request); }) {}

    [[nodiscard]] std::uint16_t port() const { return server_.port(); }

    void add(window::Instant time, const std::string& value, const std::string& host = "a") {
        const std::lock_guard lock{mutex_};
        rows_.push_back({time, value, host});
        std::stable_sort(rows_.begin(), rows_.end());
    }
    void instead(Instead reply) {
        const std::lock_guard lock{mutex_};
        instead_ = std::move(reply);
    }
    // Several tables in another order, numbered otherwise, columns in another order, another default for the result.
    void write_otherwise(bool otherwise) { otherwise_ = otherwise; }
    // Says what time it is, in the header Date.
    void set_date(const std::string& date) { date_ = date; }
    // Sums a stretch of this length each, with its end as _time, instead of rows.
    void sum_every(std::int64_t ns) { sum_every_ = ns; }

    [[nodiscard]] std::vector<Asked> asked() const {
        const std::lock_guard lock{mutex_};
        return asked_;
    }
    [[nodiscard]] std::vector<window::Edges> ranges() const {
        std::vector<window::Edges> out;
        for (const Asked& a : asked())
            out.push_back(a.range);
        return out;
    }
    void forget() {
        const std::lock_guard lock{mutex_};
        asked_.clear();
    }

    static std::string ok(const std::string& body) {
        return "HTTP/1.1 200 OK\r\nContent-Type: text/csv; charset=utf-8\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    [[nodiscard]] std::string body(const window::Edges& range) const {
        const std::lock_guard lock{mutex_};
        return body_of(range);
    }

private:
    static std::string after(const std::string& text, const std::string& before) {
        const std::size_t at = text.find(before);
        if (at == std::string::npos) return {};
        const std::size_t begin = at + before.size();
        return text.substr(begin, text.find('"', begin) - begin);
    }

    Reply answer(const std::string& request) {
        const auto time = [&](const char* name) {
            const std::string value = after(request, std::string{"\""} + name + R"("},"value":{"type":"DateTimeLiteral","value":")");
            return window::parse_instant(value).value_or(0);
        };
        const Asked asked{{time("timeRangeStart"), time("timeRangeStop")}, after(request, R"("now":")"), request};
        std::size_t number = 0;
        Instead other;
        {
            const std::lock_guard lock{mutex_};
            asked_.push_back(asked);
            number = asked_.size();
            other = instead_;
        }
        if (other) {
            Reply reply = other(asked, number);
            if (!reply.pieces.empty()) return reply;
        }
        Reply reply{{ok(body(asked.range))}};
        if (!date_.empty()) reply.pieces[0].insert(reply.pieces[0].find("\r\n") + 2, "Date: " + date_ + "\r\n");
        return reply; // closes: the next connection may be another client's
    }

    [[nodiscard]] std::vector<Row> rows_of(const window::Edges& range) const {
        std::vector<Row> out;
        for (const Row& row : rows_)
            if (row.time >= range.start && row.time < range.stop) out.push_back(row);
        if (sum_every_ == 0) return out;
        std::map<std::pair<std::string, window::Instant>, long> sums;
        for (const Row& row : out)
            sums[{row.host, std::min(window::floor_to(row.time, sum_every_) + sum_every_, range.stop)}] += std::stol(row.value);
        out.clear();
        for (const auto& [key, sum] : sums)
            out.push_back({key.second, std::to_string(sum), key.first});
        return out;
    }

    [[nodiscard]] std::string body_of(const window::Edges& range) const {
        const std::string start = window::format_instant(range.start), stop = window::format_instant(range.stop);
        std::map<std::string, std::string> tables; // by host
        const std::vector<Row> rows = rows_of(range);
        if (rows.empty()) return "\r\n";
        for (const Row& row : rows) {
            const std::string time = window::format_instant(row.time);
            tables[row.host] += otherwise_ ? ",_result,#," + row.host + "," + row.value + "," + time + "\r\n"
                                           : ",,#," + start + "," + stop + "," + time + "," + row.value + "," + row.host + "\r\n";
        }
        std::string out = otherwise_ ? "#datatype,string,long,string,double,dateTime:RFC3339\r\n#group,false,false,true,false,false\r\n"
                                       "#default,other,,,,\r\n,result,table,host,_value,_time\r\n"
                                     : "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string\r\n"
                                       "#group,false,false,true,true,false,false,true\r\n#default,_result,,,,,,\r\n"
                                       ",result,table,_start,_stop,_time,_value,host\r\n";
        std::vector<std::string> texts;
        for (const auto& [host, text] : tables)
            texts.push_back(text);
        if (otherwise_) std::reverse(texts.begin(), texts.end());
        for (std::size_t i = 0; i < texts.size(); ++i) {
            std::string& text = texts[i];
            const std::string number = std::to_string(otherwise_ ? i + 7 : i);
            for (std::size_t at = text.find(",#,"); at != std::string::npos; at = text.find(",#,", at))
                text.replace(at + 1, 1, number);
            out += text;
        }
        return out + "\r\n";
    }

    mutable std::mutex mutex_;
    std::vector<Row> rows_;
    std::vector<Asked> asked_;
    Instead instead_;
    bool otherwise_ = false;
    std::int64_t sum_every_ = 0;
    std::string date_;
    RawServer server_; // last: its thread uses the others
};

} // namespace fluxgate::test
