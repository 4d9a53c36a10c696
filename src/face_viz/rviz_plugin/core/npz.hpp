// Arrays of an .npz file: a zip archive (PKWARE APPNOTE 6.3) of .npy files (NumPy, NEP 1), read within bounds.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace imusic_rviz
{

struct Array
{
  std::string kind;                // as NumPy writes it, such as "<f4"
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> bytes;

  std::size_t count() const;
  // The numbers, which must be of `expected` kind; throws RigError naming the array.
  template<class Number>
  std::vector<Number> numbers(const std::string & name, const char * expected) const
  {
    check_kind(name, expected);
    std::vector<Number> result(bytes.size() / sizeof(Number));
    if (!result.empty()) {std::memcpy(result.data(), bytes.data(), result.size() * sizeof(Number));}
    return result;
  }
  // A scalar of text ("<U...") as UTF-8.
  std::string text(const std::string & name) const;

private:
  void check_kind(const std::string & name, const std::string & expected) const;
};

constexpr std::size_t MOST_FILE_BYTES = std::size_t{1} << 28;
constexpr std::size_t MOST_ARRAY_BYTES = std::size_t{1} << 29;  // of all arrays of a file together

// Throws RigError: no such file, damaged, or larger than the bounds.
std::map<std::string, Array> read_npz(const std::string & path);

}  // namespace imusic_rviz
