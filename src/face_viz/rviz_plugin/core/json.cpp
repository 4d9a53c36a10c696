#include "json.hpp"

#include <cmath>
#include <cstdlib>

#include "errors.hpp"

namespace imusic_rviz
{
namespace
{

constexpr int DEEPEST = 16;

class Parser
{
public:
  explicit Parser(const std::string & text)
  : text_(text) {}

  Json whole()
  {
    Json json = value(0);
    skip_space();
    if (at_ != text_.size()) {fail("text behind the end");}
    return json;
  }

private:
  [[noreturn]] void fail(const std::string & found) const
  {
    throw RigError("expected JSON in the rig's label, found " + found + " at character " + std::to_string(at_));
  }

  void skip_space()
  {
    while (at_ < text_.size() && std::string(" \t\r\n").find(text_[at_]) != std::string::npos) {++at_;}
  }

  char next()
  {
    skip_space();
    if (at_ == text_.size()) {fail("its end");}
    return text_[at_];
  }

  bool take(char wanted)
  {
    if (next() != wanted) {return false;}
    ++at_;
    return true;
  }

  void need(char wanted)
  {
    if (!take(wanted)) {fail(std::string("no '") + wanted + "'");}
  }

  bool word(const char * wanted)
  {
    const std::string expected(wanted);
    if (text_.compare(at_, expected.size(), expected) != 0) {return false;}
    at_ += expected.size();
    return true;
  }

  Json value(int depth)
  {
    if (depth > DEEPEST) {fail("too deep a nesting");}
    switch (next()) {
      case '{': return {object(depth)};
      case '[': return {list(depth)};
      case '"': return {string()};
      default: break;
    }
    if (word("true")) {return {true};}
    if (word("false")) {return {false};}
    if (word("null")) {return {nullptr};}
    const char * begin = text_.c_str() + at_;
    char * end = nullptr;
    const double number = std::strtod(begin, &end);
    if (end == begin || !std::isfinite(number)) {fail("no value");}
    at_ += static_cast<std::size_t>(end - begin);
    return {number};
  }

  Json::Object object(int depth)
  {
    Json::Object members;
    need('{');
    if (take('}')) {return members;}
    do {
      next();
      std::string key = string();
      need(':');
      members.insert_or_assign(std::move(key), value(depth + 1));
    } while (take(','));
    need('}');
    return members;
  }

  Json::List list(int depth)
  {
    Json::List items;
    need('[');
    if (take(']')) {return items;}
    do {
      items.push_back(value(depth + 1));
    } while (take(','));
    need(']');
    return items;
  }

  std::string string()
  {
    need('"');
    std::string result;
    while (at_ < text_.size() && text_[at_] != '"') {
      char letter = text_[at_++];
      if (letter == '\\') {
        if (at_ == text_.size()) {break;}
        letter = text_[at_++];
        switch (letter) {
          case 'n': letter = '\n'; break;
          case 't': letter = '\t'; break;
          case 'r': letter = '\r'; break;
          case 'b': letter = '\b'; break;
          case 'f': letter = '\f'; break;
          case 'u':  // only the face's name may hold one: not needed
            if (text_.size() - at_ < 4) {fail("its end");}
            at_ += 4;
            letter = '?';
            break;
          default: break;
        }
      }
      result += letter;
    }
    if (at_ == text_.size()) {fail("a string without end");}
    ++at_;
    return result;
  }

  const std::string & text_;
  std::size_t at_ = 0;
};

template<class Kind>
const Kind & as(const Json & json, const char * expected)
{
  const Kind * found = std::get_if<Kind>(&json.value);
  if (found == nullptr) {throw RigError(std::string("expected ") + expected + " in the rig's label, found another value");}
  return *found;
}

}  // namespace

const Json & Json::at(const std::string & key) const
{
  const auto & members = object();
  const auto found = members.find(key);
  if (found == members.end()) {throw RigError("expected " + key + " in the rig's label, found none");}
  return found->second;
}

const Json::List & Json::list() const {return as<List>(*this, "a list");}
const Json::Object & Json::object() const {return as<Object>(*this, "an object");}
const std::string & Json::text() const {return as<std::string>(*this, "text");}

std::size_t Json::index() const
{
  const double number = as<double>(*this, "a number");
  if (!(number >= 0.0 && number < 4294967296.0) || number != std::floor(number)) {
    throw RigError("expected a whole number from 0 in the rig's label, found " + std::to_string(number));
  }
  return static_cast<std::size_t>(number);
}

Json parse_json(const std::string & text) {return Parser(text).whole();}

}  // namespace imusic_rviz
