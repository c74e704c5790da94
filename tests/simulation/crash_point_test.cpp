// The model of a disk that the crash tests stand on: what may be lost, and what may not.
#include <catch2/catch.hpp>

#include <functional>

#include "simulation/crash_images.hpp"

namespace daybook::simulation {

namespace {

// Every image at the end of what `use` does to an empty disk, as "name=content" in the order of names, commas between.
std::set<std::string> images_after(const std::function<void(SimulatedDisk&)>& use) {
    SimulatedDisk disk;
    use(disk);
    CrashPoint point(disk.base(), disk.log());
    while (point.advance()) {
    }
    Dice dice(1);
    std::set<std::string> images;
    static_cast<void>(point.visit({}, dice, [&](DiskImage&& image) {
        std::string text;
        for (const auto& [name, bytes] : image) text += (text.empty() ? "" : ",") + name + "=" + *bytes;
        images.insert(text);
        return true;
    }));
    return images;
}

Inode durable_file(SimulatedDisk& disk, const std::string& content) {
    const Inode file = disk.create("a");
    disk.write(file, 0, content);
    disk.sync(file);
    disk.sync_directory();
    return file;
}

}  // namespace

TEST_CASE("simulation: what was synced is there, with or without what was written later", "[disk]") {
    CHECK(images_after([](SimulatedDisk& disk) { durable_file(disk, "one"); }) == std::set<std::string>{"a=one"});
    const std::set<std::string> images =
        images_after([](SimulatedDisk& disk) { disk.write(durable_file(disk, "one"), 3, "two"); });
    CHECK(images.contains("a=one"));
    CHECK(images.contains("a=onetwo"));
    CHECK(images.contains(std::string("a=one\0\0\0", 8)));
    CHECK(images.size() == 3);
}

TEST_CASE("simulation: later writes may arrive without earlier ones", "[disk]") {
    const std::set<std::string> images = images_after([](SimulatedDisk& disk) {
        const Inode file = durable_file(disk, "--");
        disk.write(file, 0, "x");
        disk.truncate(file, 2);
        disk.write(file, 1, "y");
    });
    CHECK(images.contains("a=-y"));
    CHECK(images.contains("a=x-"));
    CHECK(images.contains("a=xy"));
    CHECK(images.contains("a=--"));
}

TEST_CASE("simulation: a synced file without a synced directory may have lost its name, or have kept its old one",
          "[disk]") {
    CHECK(images_after([](SimulatedDisk& disk) { disk.sync(disk.create("a")); }) == std::set<std::string>{"", "a="});
    CHECK(images_after([](SimulatedDisk& disk) {
              durable_file(disk, "one");
              disk.rename("a", "b");
          }) == std::set<std::string>{"a=one", "b=one"});
}

TEST_CASE("simulation: a write that crosses sectors may be torn between them, and only there", "[disk]") {
    const std::string old(1024, 'o');
    const std::string fresh(1024, 'n');
    const std::set<std::string> images =
        images_after([&](SimulatedDisk& disk) { disk.write(durable_file(disk, old), 0, fresh); });
    CHECK(images.contains("a=" + fresh.substr(0, 512) + old.substr(0, 512)));
    CHECK(images.contains("a=" + old.substr(0, 512) + fresh.substr(0, 512)));
    CHECK(images == std::set<std::string>{"a=" + old, "a=" + fresh, "a=" + fresh.substr(0, 512) + old.substr(0, 512),
                                          "a=" + old.substr(0, 512) + fresh.substr(0, 512),
                                          "a=" + std::string(1024, '\0')});
}

TEST_CASE("simulation: what a failed sync gave up on may be missing for ever, below what a later sync has kept",
          "[disk]") {
    const std::set<std::string> images = images_after([](SimulatedDisk& disk) {
        const Inode file = durable_file(disk, "--");
        disk.write(file, 0, "x");
        disk.failed_sync(file);
        disk.write(file, 1, "y");
        disk.sync(file);
    });
    CHECK(images.contains("a=-y"));
    CHECK(images.contains("a=xy"));
    CHECK_FALSE(images.contains("a=x-"));
    CHECK_FALSE(images.contains("a=--"));
}

TEST_CASE("simulation: a disk that lies keeps nothing", "[disk]") {
    const std::set<std::string> images = images_after([](SimulatedDisk& disk) {
        disk.sync_lies = true;
        durable_file(disk, "one");
    });
    CHECK(images.contains(""));
    CHECK(images.contains("a=one"));
}

TEST_CASE("simulation: locks keep others out, and go with their holder", "[disk]") {
    SimulatedDisk disk;
    const Inode file = disk.create("a");
    const auto one = disk.new_holder();
    const auto two = disk.new_holder();
    REQUIRE(disk.try_lock(file, 7, one, false));
    REQUIRE(disk.try_lock(file, 7, two, false));
    CHECK_FALSE(disk.try_lock(file, 7, one, true));
    disk.unlock(file, 7, two);
    CHECK(disk.try_lock(file, 7, one, true));
    CHECK(disk.is_locked_by_other(file, 7, two));
    CHECK_FALSE(disk.is_locked_by_other(file, 7, one));
    disk.unlock_all(file, one);
    CHECK(disk.try_lock(file, 7, two, true));
}

TEST_CASE("simulation: the call that a fault plan names fails, once or for ever", "[disk]") {
    SimulatedDisk disk;
    disk.set_faults(FaultPlan{.at = 2, .once = true});
    CHECK_FALSE(disk.enter(Call::read).has_value());
    CHECK(disk.enter(Call::write) == Fault::io_error);
    CHECK_FALSE(disk.enter(Call::write).has_value());
    disk.set_faults(FaultPlan{.at = 1, .fault = Fault::disk_full, .once = false});
    CHECK(disk.enter(Call::sync) == Fault::disk_full);
    CHECK(disk.enter(Call::open) == Fault::disk_full);
}

}  // namespace daybook::simulation
