// Vertices and normals of a rig at given weights.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "rig.hpp"

namespace imusic_rviz
{

class Blender
{
public:
  explicit Blender(const Rig & rig);

  // Moves the mesh; false, and nothing done, where these weights are the last ones or one of them is not finite.
  bool move_to(const Weights & weights);

  const std::vector<float> & positions() const {return positions_;}  // (V, 3), m
  const std::vector<float> & normals() const {return normals_;}      // (V, 3), unit length, out of the face

private:
  struct Move
  {
    std::vector<std::uint32_t> vertices;  // that it moves
    std::vector<float> by;                // (N, 3)
  };

  void compute_normals();

  std::vector<float> neutral_;
  std::vector<std::uint32_t> triangles_;
  std::vector<Move> moves_;
  std::vector<std::pair<std::size_t, std::size_t>> pairs_;
  Weights weights_;
  bool moved_ = false;
  std::vector<float> positions_;
  std::vector<float> normals_;
};

// What confidence says of each place of a face: 0 where the model is sure of all shapes that move a vertex, 1 where it
// knows nothing of them. A vertex that nothing moves has 0.
class Doubt
{
public:
  explicit Doubt(const Rig & rig);

  // (V), from the confidences of the 52 shapes.
  std::vector<float> at(const Weights & confidence) const;

private:
  struct Share
  {
    std::uint32_t vertex;
    std::uint8_t shape;
    float share;
  };
  std::size_t vertices_;
  std::vector<Share> shares_;
};

using Color = std::array<float, 3>;  // rgb, 0 to 1

// (V, 4) bytes rgba: the rig's colours, its skin shaded from the plain skin to `skin`, and greyed where in doubt (empty:
// nowhere).
std::vector<std::uint8_t> vertex_colors(const Rig & rig, const Color & skin, const std::vector<float> & doubt);

// face_model.palette.SKIN, the plain skin.
constexpr Color PLAIN_SKIN = {226.0F / 255.0F, 180.0F / 255.0F, 154.0F / 255.0F};

}  // namespace imusic_rviz
