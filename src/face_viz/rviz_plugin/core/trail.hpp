// The last seconds of chosen weights.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "arkit.hpp"

namespace imusic_rviz
{

// Shapes of a text such as "jawOpen, mouthSmileLeft"; left and right of a name without side are both meant. What is no
// shape is appended to `unknown`.
std::vector<std::size_t> shapes_of(const std::string & text, std::vector<std::string> & unknown);

class WeightTrail
{
public:
  struct Point
  {
    double time_s;
    float weight;
  };

  explicit WeightTrail(double window_s = 8.0) {set_window(window_s);}

  void set_window(double window_s);             // s, kept between 0.5 and 120
  void choose(std::vector<std::size_t> shapes);  // at most MOST_SHAPES of them; what was kept of others is lost
  // Keeps the chosen ones; a time before the last one begins the trail anew. What is not finite is a gap.
  void add(double time_s, const Weights & weights);
  void clear();

  const std::vector<std::size_t> & shapes() const {return shapes_;}
  const std::deque<Point> & of(std::size_t index) const {return lines_.at(index);}  // index in shapes()
  double window_s() const {return window_s_;}

  static constexpr std::size_t MOST_SHAPES = 8;
  static constexpr std::size_t MOST_POINTS = 4096;

private:
  double window_s_ = 8.0;
  std::vector<std::size_t> shapes_;
  std::vector<std::deque<Point>> lines_;
};

}  // namespace imusic_rviz
