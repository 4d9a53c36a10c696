// Where sensors sit on a face, and how a board moves with the skin under it: face_model.skin in C++.
#pragma once

#include <array>
#include <vector>

#include "rig.hpp"
#include "vector.hpp"

namespace imusic_rviz
{

struct BoardPose
{
  Vector position;          // m, face_head
  Quaternion orientation;   // sensor to face_head: z out of the skin, x up along it
};

// One board, glued to the neutral skin of a rig; linear in the activations.
class Board
{
public:
  // On the skin; `place` as in imusic/SensorMount. Throws PlaceError where the rig has no skin.
  Board(const Rig & rig, double lateral, double vertical);
  // On the skull. Throws PlaceError where the pose is not finite, or no rotation.
  explicit Board(const BoardPose & skull);

  BoardPose pose(const std::vector<float> & active) const;

private:
  struct Move
  {
    std::size_t index;               // of the activation
    Vector centre;
    std::array<Vector, 2> tangents;
  };
  Vector centre_{};
  std::array<Vector, 2> tangents_{};
  std::vector<Move> moves_;
  bool on_skull_ = false;
  Quaternion skull_{};
};

}  // namespace imusic_rviz
