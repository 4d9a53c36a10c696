#include "trail.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

namespace imusic_rviz
{
namespace
{

std::string trimmed(const std::string & word)
{
  const auto first = word.find_first_not_of(" \t");
  return first == std::string::npos ? "" : word.substr(first, word.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::vector<std::size_t> shapes_of(const std::string & text, std::vector<std::string> & unknown)
{
  std::vector<std::size_t> shapes;
  std::istringstream words(text);
  std::string part;
  while (std::getline(words, part, ',')) {
    const std::string word = trimmed(part);
    if (word.empty()) {continue;}
    bool found = false;
    for (const std::string & name : {word, word + "Left", word + "Right"}) {
      const auto shape = std::find(SHAPE_NAMES.begin(), SHAPE_NAMES.end(), name);
      if (shape == SHAPE_NAMES.end()) {continue;}
      found = true;
      const auto index = static_cast<std::size_t>(shape - SHAPE_NAMES.begin());
      if (std::find(shapes.begin(), shapes.end(), index) == shapes.end()) {shapes.push_back(index);}
      if (name == word) {break;}
    }
    if (!found) {unknown.push_back(word);}
  }
  return shapes;
}

void WeightTrail::set_window(double window_s)
{
  window_s_ = std::isfinite(window_s) ? std::clamp(window_s, 0.5, 120.0) : 8.0;
}

void WeightTrail::choose(std::vector<std::size_t> shapes)
{
  shapes.erase(std::remove_if(shapes.begin(), shapes.end(), [](std::size_t s) {return s >= SHAPES;}), shapes.end());
  if (shapes.size() > MOST_SHAPES) {shapes.resize(MOST_SHAPES);}
  shapes_ = std::move(shapes);
  lines_.assign(shapes_.size(), {});
}

void WeightTrail::add(double time_s, const Weights & weights)
{
  if (!std::isfinite(time_s)) {return;}
  for (std::size_t k = 0; k < shapes_.size(); ++k) {
    auto & line = lines_[k];
    if (!line.empty() && time_s < line.back().time_s) {line.clear();}
    line.push_back({time_s, weights[shapes_[k]]});
    while (line.size() > MOST_POINTS || line.front().time_s < time_s - window_s_) {line.pop_front();}
  }
}

void WeightTrail::clear()
{
  for (auto & line : lines_) {line.clear();}
}

}  // namespace imusic_rviz
