#include "blending.hpp"

#include <algorithm>
#include <cmath>

namespace imusic_rviz
{
namespace
{

// Less than this, in m, is not seen, and is not counted as moving a vertex in `Doubt`.
constexpr float SEEN_M = 1e-4F;
// Blue-grey, which no skin has.
constexpr Color DOUBT_COLOR = {0.36F, 0.47F, 0.66F};
constexpr float STRONGEST_TINT = 0.75F;

float length(const float * v) {return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);}

}  // namespace

Blender::Blender(const Rig & rig)
: neutral_(rig.neutral), triangles_(rig.triangles), moves_(rig.moves()), pairs_(rig.pairs)
{
  const std::size_t count = rig.vertices();
  for (std::size_t m = 0; m < moves_.size(); ++m) {
    const float * delta = rig.displacements.data() + m * count * 3;
    for (std::size_t v = 0; v < count; ++v) {
      const float * by = delta + 3 * v;
      if (by[0] != 0.0F || by[1] != 0.0F || by[2] != 0.0F) {
        moves_[m].vertices.push_back(static_cast<std::uint32_t>(v));
        moves_[m].by.insert(moves_[m].by.end(), by, by + 3);
      }
    }
  }
  positions_ = neutral_;
  normals_.assign(neutral_.size(), 0.0F);
  move_to(Weights{});
}

bool Blender::move_to(const Weights & weights)
{
  if (moved_ && weights == weights_) {return false;}
  if (!std::all_of(weights.begin(), weights.end(), [](float w) {return std::isfinite(w);})) {return false;}
  weights_ = weights;
  moved_ = true;
  std::copy(neutral_.begin(), neutral_.end(), positions_.begin());
  for (std::size_t m = 0; m < moves_.size(); ++m) {
    float active = 0.0F;
    if (m < SHAPES) {
      active = weights[m];
    } else {
      const auto [i, j] = pairs_[m - SHAPES];
      active = i == j ? 4.0F * weights[i] * (1.0F - weights[i]) : weights[i] * weights[j];
    }
    if (active == 0.0F) {continue;}
    const Move & move = moves_[m];
    const float * by = move.by.data();
    for (const std::uint32_t vertex : move.vertices) {
      float * position = positions_.data() + 3 * static_cast<std::size_t>(vertex);
      position[0] += active * by[0];
      position[1] += active * by[1];
      position[2] += active * by[2];
      by += 3;
    }
  }
  compute_normals();
  return true;
}

// Each triangle's normal, as long as its area is large, summed at its corners.
void Blender::compute_normals()
{
  std::fill(normals_.begin(), normals_.end(), 0.0F);
  for (std::size_t t = 0; t + 2 < triangles_.size(); t += 3) {
    const std::size_t corners[3] = {3 * static_cast<std::size_t>(triangles_[t]),
      3 * static_cast<std::size_t>(triangles_[t + 1]), 3 * static_cast<std::size_t>(triangles_[t + 2])};
    const float * a = positions_.data() + corners[0];
    const float * b = positions_.data() + corners[1];
    const float * c = positions_.data() + corners[2];
    const float u[3] = {b[0] - a[0], b[1] - a[1], b[2] - a[2]};
    const float v[3] = {c[0] - a[0], c[1] - a[1], c[2] - a[2]};
    const float normal[3] = {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
    for (const std::size_t corner : corners) {
      for (int k = 0; k < 3; ++k) {normals_[corner + k] += normal[k];}
    }
  }
  for (std::size_t v = 0; v < normals_.size(); v += 3) {
    float * normal = normals_.data() + v;
    const float long_ = length(normal);
    if (long_ > 1e-20F) {
      for (int k = 0; k < 3; ++k) {normal[k] /= long_;}
    } else {
      normal[0] = 1.0F;  // of no triangle, or of flat ones: out of the face
      normal[1] = normal[2] = 0.0F;
    }
  }
}

Doubt::Doubt(const Rig & rig)
: vertices_(rig.vertices())
{
  for (std::size_t v = 0; v < vertices_; ++v) {
    const std::size_t first = shares_.size();
    float sum = 0.0F;
    for (std::size_t shape = 0; shape < SHAPES; ++shape) {
      const float reach = length(rig.displacements.data() + (shape * vertices_ + v) * 3);
      if (reach < SEEN_M) {continue;}
      shares_.push_back({static_cast<std::uint32_t>(v), static_cast<std::uint8_t>(shape), reach});
      sum += reach;
    }
    for (std::size_t k = first; k < shares_.size(); ++k) {shares_[k].share /= sum;}
  }
}

std::vector<float> Doubt::at(const Weights & confidence) const
{
  std::vector<float> doubt(vertices_, 0.0F);
  for (const Share & share : shares_) {
    const float known = confidence[share.shape];
    doubt[share.vertex] += share.share * (std::isfinite(known) ? 1.0F - std::clamp(known, 0.0F, 1.0F) : 1.0F);
  }
  return doubt;
}

std::vector<std::uint8_t> vertex_colors(const Rig & rig, const Color & skin, const std::vector<float> & doubt)
{
  const std::size_t count = rig.vertices();
  std::vector<std::uint8_t> colors(4 * count, 255);
  std::vector<bool> is_skin(count, false);
  for (const char * name : {"skin", "ears"}) {
    const auto part = rig.parts.find(name);
    if (part == rig.parts.end()) {continue;}
    for (std::size_t v = part->second.first; v < part->second.second; ++v) {is_skin[v] = true;}
  }
  for (std::size_t v = 0; v < count; ++v) {
    const float share = v < doubt.size() ? std::clamp(doubt[v], 0.0F, 1.0F) * STRONGEST_TINT : 0.0F;
    for (std::size_t k = 0; k < 3; ++k) {
      float tone = static_cast<float>(rig.colors[3 * v + k]) / 255.0F;
      if (is_skin[v]) {tone *= skin[k] / PLAIN_SKIN[k];}
      tone += (DOUBT_COLOR[k] - tone) * share;
      colors[4 * v + k] = static_cast<std::uint8_t>(std::lround(255.0F * std::clamp(tone, 0.0F, 1.0F)));
    }
  }
  return colors;
}

}  // namespace imusic_rviz
