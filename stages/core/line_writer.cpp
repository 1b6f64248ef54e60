#include "core/line_writer.hpp"

#include <poll.h>

namespace fluxgate::core {

LineWriter& LineWriter::standard_output() {
    // Never destroyed: outputs may still be released while the program's statics go.
    static LineWriter* const writer = new LineWriter{1};
    return *writer;
}

Result<bool> LineWriter::advance() {
    if (!waiting_) return true;
    if (broken_line_) {
        const Result<std::size_t> ended = fd_.write("\n");
        if (!ended.ok()) return ended.error();
        if (*ended == 0) return false;
        broken_line_ = false;
    }
    const std::string_view text = waiting_->block.text();
    while (waiting_->written < text.size()) {
        const Result<std::size_t> done = fd_.write(text.substr(waiting_->written));
        if (!done.ok()) return done.error();
        if (*done == 0) return false;
        waiting_->written += *done;
    }
    const stage::Host host = waiting_->block.host;
    const std::uint64_t token = waiting_->block.token;
    waiting_.reset();
    host.complete(token, FG_DELIVERED);
    return true;
}

Result<bool> LineWriter::ready() {
    const std::lock_guard guard{lock_};
    return advance();
}

Result<bool> LineWriter::write(Block& block, const void* owner) {
    const std::lock_guard guard{lock_};
    Result<bool> free = advance();
    if (!free.ok() || !*free) return free;
    waiting_.emplace(Waiting{std::move(block), 0, owner});
    const Result<bool> done = advance();
    if (done.ok()) return true;
    // "An error: nothing was taken": the batch goes back, whatever part of its text went out before.
    broken_line_ = waiting_->written > 0 && waiting_->block.text()[waiting_->written - 1] != '\n';
    block = std::move(waiting_->block);
    waiting_.reset();
    return done.error();
}

Result<bool> LineWriter::drain(int timeout_ms) {
    pollfd one{-1, POLLOUT, 0};
    {
        const std::lock_guard guard{lock_};
        Result<bool> done = advance();
        if (!done.ok() || *done || timeout_ms <= 0) return done;
        one.fd = fd_.wait_fd();
    }
    // Waiting happens outside the lock. An interrupted or failed wait only shortens it.
    ::poll(&one, 1, timeout_ms);
    const std::lock_guard guard{lock_};
    return advance();
}

bool LineWriter::waits(const void* owner) {
    const std::lock_guard guard{lock_};
    return waiting_ && waiting_->owner == owner;
}

void LineWriter::abandon(const void* owner) noexcept {
    const std::lock_guard guard{lock_};
    if (!waiting_ || waiting_->owner != owner) return;
    const std::string_view text = waiting_->block.text();
    broken_line_ = broken_line_ || (waiting_->written > 0 && text[waiting_->written - 1] != '\n');
    waiting_->block.host.complete(waiting_->block.token, FG_ABANDONED);
    waiting_.reset();
}

} // namespace fluxgate::core
