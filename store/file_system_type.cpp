#include "store/file_system_type.hpp"

#include <sys/vfs.h>

#include <array>

namespace daybook {
namespace {

constexpr bool network = true;
constexpr bool in_memory = true;

// statfs(2) and linux/magic.h.
constexpr std::array known_types{
    FileSystemType{0xEF53, "ext4"},
    FileSystemType{0x58465342, "XFS"},
    FileSystemType{0x9123683E, "btrfs"},
    FileSystemType{0x2FC12FC1, "ZFS"},
    FileSystemType{0xF2F52010, "F2FS"},
    FileSystemType{0x794C7630, "overlay"},
    FileSystemType{0x01021994, "tmpfs", !network, in_memory},
    FileSystemType{0x6969, "NFS", network},
    FileSystemType{0xFF534D42, "CIFS", network},
    FileSystemType{0xFE534D42, "SMB2", network},
    FileSystemType{0x517B, "SMB", network},
    FileSystemType{0x01021997, "9p", network},
    FileSystemType{0x65735546, "FUSE", network},
    FileSystemType{0x00C36400, "Ceph", network},
};

}  // namespace

std::optional<FileSystemType> file_system_type_of(const std::string& path) {
    struct statfs info {};
    if (::statfs(path.c_str(), &info) != 0) return std::nullopt;
    const auto magic = static_cast<std::uint32_t>(info.f_type);
    for (const FileSystemType& type : known_types)
        if (type.magic == magic) return type;
    return FileSystemType{magic};
}

}  // namespace daybook
