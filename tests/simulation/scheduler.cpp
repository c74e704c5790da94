#include "simulation/scheduler.hpp"

#include <cxxabi.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define DAYBOOK_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DAYBOOK_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define DAYBOOK_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DAYBOOK_THREAD_SANITIZER 1
#endif
#endif

#ifdef DAYBOOK_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef DAYBOOK_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace daybook::simulation {

namespace {

constexpr std::size_t stack_bytes = std::size_t{512} << 10;

// What the C++ runtime knows of exceptions in flight. It belongs to the thread, and here each program needs its own: a
// program may be switched away from inside a catch block, or while its destructors ask uncaught_exceptions().
// The layout is that of the Itanium C++ ABI, section 2.2.2.
struct ExceptionState {
    void* caught = nullptr;
    unsigned int uncaught = 0;
};

ExceptionState swap_exceptions(const ExceptionState& next) noexcept {
    void* const globals = abi::__cxa_get_globals();
    ExceptionState before;
    std::memcpy(&before, globals, sizeof(before));
    std::memcpy(globals, &next, sizeof(next));
    return before;
}

// A stack that ends in a page that nobody may touch.
class Stack {
  public:
    Stack() {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        bytes_ = stack_bytes + page;
        void* const mapped =
            ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (mapped == MAP_FAILED) throw std::bad_alloc();
        lowest_ = static_cast<char*>(mapped);
        if (::mprotect(mapped, page, PROT_NONE) != 0) throw std::bad_alloc();
        usable_ = lowest_ + page;
    }
    ~Stack() { ::munmap(lowest_, bytes_); }
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;

    [[nodiscard]] char* usable() const noexcept { return usable_; }

  private:
    char* lowest_ = nullptr;
    char* usable_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace

struct Scheduler::Program {
    std::function<void()> body;
    std::exception_ptr failure;
    ExceptionState exceptions;
    ucontext_t context{};
    std::unique_ptr<Stack> stack;  // none: the thread's own
    bool ended = false;
#ifdef DAYBOOK_ADDRESS_SANITIZER
    const void* bottom = nullptr;
    std::size_t size = 0;
    void* fake_stack = nullptr;
#endif
#ifdef DAYBOOK_THREAD_SANITIZER
    void* fiber = nullptr;
#endif
};

Scheduler::Scheduler() : main_(std::make_unique<Program>()) {}
Scheduler::~Scheduler() = default;

void Scheduler::switch_to(Program& next) {
    Program& from = *std::exchange(current_, &next);
    from.exceptions = swap_exceptions(next.exceptions);
    ++switches_;
#ifdef DAYBOOK_ADDRESS_SANITIZER
    __sanitizer_start_switch_fiber(from.ended ? nullptr : &from.fake_stack, next.bottom, next.size);
#endif
#ifdef DAYBOOK_THREAD_SANITIZER
    __tsan_switch_to_fiber(next.fiber, 0);
#endif
    ::swapcontext(&from.context, &next.context);
#ifdef DAYBOOK_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

// makecontext() passes integers only.
void Scheduler::begin(unsigned low, unsigned high) noexcept {
    auto* const self = reinterpret_cast<Scheduler*>((std::uintptr_t{high} << 32) | low);
    Program& program = *self->current_;
#ifdef DAYBOOK_ADDRESS_SANITIZER
    if (self->main_->bottom == nullptr) {
        __sanitizer_finish_switch_fiber(nullptr, &self->main_->bottom, &self->main_->size);
    } else {
        __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
    }
#endif
    try {
        program.body();
    } catch (...) {
        program.failure = std::current_exception();
    }
    program.body = nullptr;
    program.ended = true;
    std::erase(self->living_, &program);
    Program* const next = self->choose_other();
    self->switch_to(next == nullptr ? *self->main_ : *next);
}

Scheduler::Program* Scheduler::choose_other() {
    if (living_.empty() || (living_.size() == 1 && living_.front() == current_)) return nullptr;
    for (;;) {
        Program* const chosen = living_[static_cast<std::size_t>(dice_.below(living_.size()))];
        if (chosen != current_) return chosen;
    }
}

void Scheduler::die() {
    dead_ = true;
    operations_ = disk_->log().size();
    disk_->set_faults(FaultPlan{.at = 1, .fault = Fault::io_error, .once = false});
}

void Scheduler::called(Call call) {
    if (dead_) return;
    ++calls_;
    if (calls_ == schedule_.dies_at_call) return die();
    if (calls_ > schedule_.calls_max) {
        stuck_ = true;
        return die();
    }
    const unsigned percent = call == Call::sleep     ? schedule_.sleep_percent
                             : call == Call::unfetch ? schedule_.unfetch_percent
                                                     : schedule_.switch_percent;
    if (!dice_.chance(percent)) return;
    if (Program* const next = choose_other()) switch_to(*next);
}

void Scheduler::run(SimulatedDisk& disk, const Schedule& schedule, std::vector<std::function<void()>> programs) {
    disk_ = &disk;
    schedule_ = schedule;
    dice_ = Dice(schedule.seed);
    dead_ = false;
    stuck_ = false;
    calls_ = 0;
    switches_ = 0;
    living_.clear();
    while (programs_.size() < programs.size()) {
        programs_.push_back(std::make_unique<Program>());
        programs_.back()->stack = std::make_unique<Stack>();
    }
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    for (std::size_t number = 0; number < programs.size(); ++number) {
        Program& program = *programs_[number];
        program.body = std::move(programs[number]);
        program.failure = nullptr;
        program.exceptions = {};
        program.ended = false;
        ::getcontext(&program.context);
        program.context.uc_stack.ss_sp = program.stack->usable();
        program.context.uc_stack.ss_size = stack_bytes;
        program.context.uc_link = nullptr;
        ::makecontext(&program.context, reinterpret_cast<void (*)()>(&Scheduler::begin), 2,
                      static_cast<unsigned>(self & 0xffffffff), static_cast<unsigned>(self >> 32));
#ifdef DAYBOOK_ADDRESS_SANITIZER
        program.bottom = program.stack->usable();
        program.size = stack_bytes;
#endif
#ifdef DAYBOOK_THREAD_SANITIZER
        program.fiber = __tsan_create_fiber(0);
#endif
        living_.push_back(&program);
    }
#ifdef DAYBOOK_ADDRESS_SANITIZER
    main_->bottom = nullptr;
#endif
#ifdef DAYBOOK_THREAD_SANITIZER
    main_->fiber = __tsan_get_current_fiber();
#endif
    current_ = main_.get();
    disk.on_call = [this](Call call) { called(call); };
    if (Program* const first = choose_other()) switch_to(*first);
    disk.on_call = nullptr;
    if (!dead_) operations_ = disk.log().size();
    std::exception_ptr failure;
    for (std::size_t number = 0; number < programs.size(); ++number) {
#ifdef DAYBOOK_THREAD_SANITIZER
        __tsan_destroy_fiber(std::exchange(programs_[number]->fiber, nullptr));
#endif
        if (!failure) failure = programs_[number]->failure;
        programs_[number]->failure = nullptr;
    }
    if (failure) std::rethrow_exception(failure);
}

}  // namespace daybook::simulation
