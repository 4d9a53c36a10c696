#include "frame.hpp"

#include <algorithm>
#include <cmath>

namespace imusic_rviz
{
namespace
{

constexpr double PI = 3.14159265358979323846;
constexpr double RECENTRE_S = 20.0;  // face_viz.front_view.RECENTRE_S
// ARKit's weights pass 0 and 1 slightly; beyond this a face is torn.
constexpr float LEAST_WEIGHT = -1.0F;
constexpr float LARGEST_WEIGHT = 2.0F;
// Bits of imusic/ImuFrame.
constexpr std::uint8_t STATUS_MISSING = 32;
constexpr std::uint8_t STATUS_FAULT = 64;

}  // namespace

State state_of(std::uint8_t value) {return value <= 3 ? static_cast<State>(value) : State::STALE;}

const char * state_text(State state)
{
  switch (state) {
    case State::CALIBRATING: return "calibrating: relax your face";
    case State::TRACKING: return "tracking";
    case State::DEGRADED: return "degraded: sensors missing";
    case State::STALE: return "stale: no sensor data";
    case State::NO_INPUT: break;
  }
  return "no input";
}

std::string problem_of(const FaceFrame & frame)
{
  for (std::size_t i = 0; i < SHAPES; ++i) {
    const float weight = frame.weights[i];
    if (!std::isfinite(weight) || weight < LEAST_WEIGHT || weight > LARGEST_WEIGHT) {
      return "expected weights from 0 to 1, found " + std::to_string(weight) + " for " + std::string(SHAPE_NAMES[i]) +
             "; look at who publishes the topic";
    }
    if (!std::isfinite(frame.confidence[i])) {
      return "expected confidences from 0 to 1, found one that is not finite for " + std::string(SHAPE_NAMES[i]) +
             "; look at who publishes the topic";
    }
  }
  if (!std::all_of(frame.head.begin(), frame.head.end(), [](double part) {return std::isfinite(part);})) {
    return "expected a finite head orientation, found another; look at who publishes the topic";
  }
  return "";
}

SensorHealth health_of(std::uint8_t status_bits)
{
  if (status_bits & STATUS_MISSING) {return SensorHealth::MISSING;}
  return status_bits & STATUS_FAULT ? SensorHealth::FAULTY : SensorHealth::VALID;
}

std::array<float, 3> health_color(SensorHealth health)
{
  switch (health) {
    case SensorHealth::VALID: return {0.10F, 0.80F, 0.55F};
    case SensorHealth::FAULTY: return {1.00F, 0.55F, 0.10F};
    case SensorHealth::MISSING: break;
  }
  return {0.55F, 0.57F, 0.60F};
}

Quaternion FrontView::turn(const Quaternion & orientation, double now_s)
{
  auto [x, y, z, w] = orientation;
  const double norm = std::sqrt(x * x + y * y + z * z + w * w);
  if (!(norm > 1e-6)) {return {0.0, 0.0, 0.0, 1.0};}
  x /= norm, y /= norm, z /= norm, w /= norm;
  const double heading = std::atan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (y * y + z * z));
  const double since = last_s_ < 0.0 ? 0.0 : std::max(now_s - last_s_, 0.0);
  last_s_ = now_s;
  const double off = std::remainder(heading - front_rad_, 2.0 * PI);
  front_rad_ = std::remainder(front_rad_ + (1.0 - std::exp(-since / RECENTRE_S)) * off, 2.0 * PI);
  const double s = std::sin(-0.5 * front_rad_), c = std::cos(-0.5 * front_rad_);
  return {c * x - s * y, c * y + s * x, c * z + s * w, c * w - s * z};
}

std::string in_namespace(const std::string & space, const std::string & name)
{
  const auto first = space.find_first_not_of("/ ");
  if (first == std::string::npos) {return "/" + name;}
  return "/" + space.substr(first, space.find_last_not_of("/ ") - first + 1) + "/" + name;
}

}  // namespace imusic_rviz
