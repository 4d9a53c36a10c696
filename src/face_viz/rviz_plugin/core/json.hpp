// The little of JSON (RFC 8259) that the label of a rig needs.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace imusic_rviz
{

struct Json
{
  using List = std::vector<Json>;
  using Object = std::map<std::string, Json>;
  std::variant<std::nullptr_t, bool, double, std::string, List, Object> value;

  // Each throws RigError where the value is of another kind.
  const Json & at(const std::string & key) const;
  const List & list() const;
  const Object & object() const;
  const std::string & text() const;
  std::size_t index() const;  // a whole number from 0
};

// Throws RigError where the text is no JSON, or nested deeper than a label is.
Json parse_json(const std::string & text);

}  // namespace imusic_rviz
