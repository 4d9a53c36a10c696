#include "npz.hpp"

#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

#include "errors.hpp"

namespace imusic_rviz
{
namespace
{

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t MOST_ENTRIES = 64;

// Little-endian numbers, with every access checked.
class Reader
{
public:
  Reader(const std::uint8_t * data, std::size_t size)
  : data_(data), size_(size) {}

  const std::uint8_t * at(std::size_t offset, std::size_t count) const
  {
    if (offset > size_ || count > size_ - offset) {throw RigError("found a file that ends early");}
    return data_ + offset;
  }
  std::uint32_t u16(std::size_t offset) const
  {
    const auto * p = at(offset, 2);
    return p[0] | static_cast<std::uint32_t>(p[1]) << 8;
  }
  std::uint32_t u32(std::size_t offset) const {return u16(offset) | u16(offset + 2) << 16;}
  std::size_t size() const {return size_;}

private:
  const std::uint8_t * data_;
  std::size_t size_;
};

Bytes whole_file(const std::string & path)
{
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) {throw RigError("found no file that can be read");}
  const auto size = static_cast<std::streamoff>(file.tellg());
  // A folder opens, and says that it is endless.
  if (size < 0 || static_cast<std::uint64_t>(size) > MOST_FILE_BYTES) {
    throw RigError("found no file of at most " + std::to_string(MOST_FILE_BYTES >> 20) + " MiB");
  }
  Bytes bytes(static_cast<std::size_t>(size));
  file.seekg(0);
  file.read(reinterpret_cast<char *>(bytes.data()), size);
  if (!file) {throw RigError("found a file that cannot be read to its end");}
  return bytes;
}

std::size_t directory_end(const Reader & zip)
{
  constexpr std::size_t RECORD = 22;
  constexpr std::size_t LONGEST_COMMENT = 65535;
  if (zip.size() >= RECORD) {
    const std::size_t last = zip.size() - RECORD;
    const std::size_t first = last > LONGEST_COMMENT ? last - LONGEST_COMMENT : 0;
    for (std::size_t at = last + 1; at-- > first; ) {
      if (zip.u32(at) == 0x06054b50) {return at;}
    }
  }
  throw RigError("found no .npz archive");
}

Bytes inflated(const std::uint8_t * data, std::size_t packed, std::size_t size)
{
  Bytes result(size);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {throw RigError("found no memory to unpack it");}
  stream.next_in = const_cast<Bytef *>(data);
  stream.avail_in = static_cast<uInt>(packed);
  std::uint8_t none = 0;
  stream.next_out = size ? result.data() : &none;
  stream.avail_out = static_cast<uInt>(size);
  const int ended = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (ended != Z_STREAM_END || stream.avail_out != 0) {throw RigError("found damaged data");}
  return result;
}

// What stands behind 'key': in the header of an .npy file, a Python dictionary.
std::string header_value(const std::string & header, const std::string & key)
{
  const auto found = header.find("'" + key + "':");
  if (found == std::string::npos) {throw RigError("found an array without " + key);}
  return header.substr(found + key.size() + 3);
}

Array parse_npy(const Bytes & file)
{
  const Reader reader(file.data(), file.size());
  if (std::memcmp(reader.at(0, 6), "\x93NUMPY", 6) != 0) {throw RigError("found an entry that is no array");}
  const bool first = *reader.at(6, 1) == 1;
  const std::size_t begin = first ? 10 : 12;
  const std::size_t length = first ? reader.u16(8) : reader.u32(8);
  const std::string header(reinterpret_cast<const char *>(reader.at(begin, length)), length);

  Array array;
  const std::string kind = header_value(header, "descr");
  const auto open = kind.find('\'');
  const auto close = open == std::string::npos ? open : kind.find('\'', open + 1);
  if (close == std::string::npos) {throw RigError("found an array that does not say what it holds");}
  array.kind = kind.substr(open + 1, close - open - 1);
  if (header_value(header, "fortran_order").find("False") > 2) {throw RigError("found an array in Fortran's order");}
  const std::string shape = header_value(header, "shape");
  std::size_t number = 0;
  bool digits = false;
  for (const char letter : shape.substr(0, shape.find(')'))) {
    if (std::isdigit(static_cast<unsigned char>(letter))) {
      number = number * 10 + static_cast<std::size_t>(letter - '0');
      if (number > MOST_ARRAY_BYTES) {throw RigError("found an array that is too large");}
      digits = true;
    } else if (digits) {
      array.shape.push_back(number);
      number = 0;
      digits = false;
    }
  }
  if (digits) {array.shape.push_back(number);}
  if (array.shape.size() > 4) {throw RigError("found an array with more than four axes");}
  array.bytes.assign(file.begin() + static_cast<std::ptrdiff_t>(begin + length), file.end());
  return array;
}

// Bytes of one number: "<f4" has 4, "<U12" has 48.
std::size_t item_size(const std::string & kind)
{
  const std::size_t digits = kind.find_first_of("0123456789");
  if (digits == std::string::npos || kind.size() - digits > 8) {return 0;}
  const std::size_t number = std::stoul(kind.substr(digits));
  return kind.find('U') == std::string::npos ? number : 4 * number;
}

}  // namespace

std::size_t Array::count() const
{
  std::size_t product = 1;
  for (const std::size_t length : shape) {
    if (length != 0 && product > MOST_ARRAY_BYTES / length) {return MOST_ARRAY_BYTES + 1;}
    product *= length;
  }
  return product;
}

void Array::check_kind(const std::string & name, const std::string & expected) const
{
  if (kind != expected) {throw RigError("expected " + name + " of kind " + expected + ", found " + kind);}
  if (count() > MOST_ARRAY_BYTES || count() * item_size(kind) != bytes.size()) {
    throw RigError("expected as many numbers in " + name + " as its shape says, found " +
                   std::to_string(bytes.size()) + " bytes");
  }
}

std::string Array::text(const std::string & name) const
{
  if (kind.size() < 3 || kind.substr(0, 2) != "<U") {throw RigError("expected text in " + name + ", found " + kind);}
  std::string result;
  for (const std::uint32_t code : numbers<std::uint32_t>(name, kind.c_str())) {
    if (code == 0) {break;}
    if (code < 0x80) {
      result += static_cast<char>(code);
    } else if (code < 0x800) {
      result += static_cast<char>(0xC0 | code >> 6);
      result += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      result += static_cast<char>(0xE0 | code >> 12);
      result += static_cast<char>(0x80 | (code >> 6 & 0x3F));
      result += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      result += '?';
    }
  }
  return result;
}

std::map<std::string, Array> read_npz(const std::string & path)
{
  try {
    const Bytes file = whole_file(path);
    const Reader zip(file.data(), file.size());
    const std::size_t end = directory_end(zip);
    const std::size_t entries = zip.u16(end + 10);
    if (entries > MOST_ENTRIES) {throw RigError("found " + std::to_string(entries) + " arrays");}
    std::map<std::string, Array> arrays;
    std::size_t at = zip.u32(end + 16);
    std::size_t total = 0;
    for (std::size_t i = 0; i < entries; ++i) {
      if (zip.u32(at) != 0x02014b50) {throw RigError("found a damaged list of arrays");}
      const std::size_t method = zip.u16(at + 10), crc = zip.u32(at + 16);
      const std::size_t packed = zip.u32(at + 20), size = zip.u32(at + 24);
      const std::size_t name_size = zip.u16(at + 28), local = zip.u32(at + 42);
      std::string name(reinterpret_cast<const char *>(zip.at(at + 46, name_size)), name_size);
      at += 46 + name_size + zip.u16(at + 30) + zip.u16(at + 32);
      total += size;
      // Deflate packs at most about 1,030 to 1.
      if (total > MOST_ARRAY_BYTES || size > 1100 * packed + 64) {throw RigError("found arrays that are too large");}
      const std::size_t begin = local + 30 + zip.u16(local + 26) + zip.u16(local + 28);
      const std::uint8_t * data = zip.at(begin, packed);
      Bytes content;
      if (method == 8) {
        content = inflated(data, packed, size);
      } else if (method == 0 && packed == size) {
        content.assign(data, data + packed);
      } else {
        throw RigError("found a kind of compression that is not read here");
      }
      if (crc32(crc32(0L, nullptr, 0), content.data(), static_cast<uInt>(content.size())) != crc) {
        throw RigError("found data that was changed");
      }
      if (name.size() > 4 && name.compare(name.size() - 4, 4, ".npy") == 0) {name.resize(name.size() - 4);}
      arrays.insert_or_assign(name, parse_npy(content));
    }
    return arrays;
  } catch (const RigError & error) {
    throw RigError("expected a rig in " + path + ", " + error.what() +
                   "; write one with: imusic rig export --face FILE face.npz");
  }
}

}  // namespace imusic_rviz
