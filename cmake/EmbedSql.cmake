# Run with -P: writes OUTPUT, a C++ source that holds the texts of INPUTS (schemas/sql/NNNN_name.sql, in that order)
# as daybook::embedded_migrations(). The number NNNN is the schema version that the text leads to.
set(entries "")
foreach(input IN LISTS INPUTS)
  get_filename_component(name "${input}" NAME)
  string(REGEX MATCH "^[0-9]+" number "${name}")
  string(REGEX REPLACE "^0+" "" number "${number}")
  file(READ "${input}" text)
  string(APPEND entries "    {${number}, R\"daybook_sql(${text})daybook_sql\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "// Made by cmake/EmbedSql.cmake from schemas/sql/: edit those.
#include \"store/schema.hpp\"

namespace daybook {

namespace {

constexpr Migration migrations[] = {
${entries}};

}  // namespace

std::span<const Migration> embedded_migrations() noexcept { return migrations; }

std::string_view program_version() noexcept { return \"${VERSION}\"; }

}  // namespace daybook
")
