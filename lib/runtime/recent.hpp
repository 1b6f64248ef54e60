// What a pipeline remembers for whoever looks at it: its last troubles, and a few dead letters of each reason.
#pragma once

#include "telemetry/redactor.hpp"

#include "fluxgate/pipeline.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::runtime {

// Thread-safe, and bounded in number and size: about 100 KiB at most.
class Recent {
public:
    static constexpr std::size_t max_troubles = 32, max_reasons = 32, max_of_a_reason = 3, max_text = 2000, max_raw = 400;

    // The texts of `note` are free of secrets.
    void add(TroubleNote note);
    void add(std::int64_t wall_ns, std::string_view stage, const fg_dead_letter& letter, const telemetry::Redactor& redactor);

    void copy_to(PipelineStatus& out) const;

private:
    mutable std::mutex mutex_;
    std::deque<TroubleNote> troubles_;
    std::map<std::string, std::deque<LetterExample>, std::less<>> examples_; // by code
};

} // namespace fluxgate::runtime
