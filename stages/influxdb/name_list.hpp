// Receives the answer to a question for names: what stands in the column _value of its rows.
#pragma once

#include "flux/reader.hpp"
#include "http/client.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate::influxdb {

class NameList : public http::BodySink {
public:
    // Names beyond `most` are read and forgotten.
    NameList(const flux::Limits& limits, std::size_t most) : reader_(limits), most_(most) {}

    // A new response begins.
    void begin();

    void on_body(std::string_view bytes) override;

    [[nodiscard]] const flux::Failure* failure() const noexcept { return failed_ ? &reader_.failure() : nullptr; }

    // After the last byte: "" or what is missing.
    [[nodiscard]] std::string finish() const { return reader_.finish(); }

    [[nodiscard]] std::vector<std::string> take() { return std::move(names_); }

private:
    void add(const flux::Row& row);

    flux::Reader reader_;
    const std::size_t most_;
    std::vector<std::string> names_;
    bool failed_ = false;
};

} // namespace fluxgate::influxdb
