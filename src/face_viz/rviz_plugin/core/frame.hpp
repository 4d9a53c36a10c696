// One face as it came over the network, and what can be wrong with it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "arkit.hpp"
#include "vector.hpp"

namespace imusic_rviz
{

enum class State : std::uint8_t { CALIBRATING, TRACKING, DEGRADED, STALE, NO_INPUT };

struct FaceFrame
{
  Weights weights{};
  Weights confidence{};
  std::array<bool, SHAPES> observable{};
  State state = State::NO_INPUT;
  Quaternion head{0.0, 0.0, 0.0, 1.0};  // face_head to an earth frame, z up
  float age_s = 0.0F;                   // from the newest sample to the weights
};

// Without a new face for this long a viewer says so, whatever the last face claimed (face_viz.frame.STILL_S).
constexpr double STILL_S = 0.5;

State state_of(std::uint8_t value);             // unknown values are stale
const char * state_text(State state);           // as face_viz.markers says it

// Empty, or why the face cannot be drawn and what to do.
std::string problem_of(const FaceFrame & frame);

enum class SensorHealth : std::uint8_t { VALID, FAULTY, MISSING };

SensorHealth health_of(std::uint8_t status_bits);    // STATUS_ bits of imusic/SensorStates
std::array<float, 3> health_color(SensorHealth health);  // rgb, as face_viz.markers.STATUS_COLORS

// Takes the arbitrary heading out of a head's orientation: face_viz.front_view in C++.
class FrontView
{
public:
  Quaternion turn(const Quaternion & orientation, double now_s);

private:
  double front_rad_ = 0.0;
  double last_s_ = -1.0;
};

// A name of a topic or service in a namespace; both without slashes at their ends. An empty namespace gives "/name".
std::string in_namespace(const std::string & space, const std::string & name);

}  // namespace imusic_rviz
