// What cannot be used, with what was expected, what was found and what to do.
#pragma once

#include <stdexcept>

namespace imusic_rviz
{

class RigError : public std::runtime_error
{
public:
  using std::runtime_error::runtime_error;
};

class PlaceError : public std::runtime_error
{
public:
  using std::runtime_error::runtime_error;
};

}  // namespace imusic_rviz
