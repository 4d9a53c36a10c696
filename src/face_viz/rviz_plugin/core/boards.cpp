#include "boards.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>

#include "errors.hpp"

namespace imusic_rviz
{
namespace
{

// As in face_model.skin, whose docstring names the method: moving least squares over the skin within a radius.
constexpr double PATCH_RADIUS_M = 0.006;
constexpr std::size_t LEAST_VERTICES = 9;
constexpr Vector UP = {0.0, 0.0, 1.0};

Vector vertex(const Rig & rig, std::size_t v)
{
  return {rig.neutral[3 * v], rig.neutral[3 * v + 1], rig.neutral[3 * v + 2]};
}

Vector displacement(const Rig & rig, std::size_t move, std::size_t v)
{
  const float * by = rig.displacements.data() + (move * rig.vertices() + v) * 3;
  return {by[0], by[1], by[2]};
}

struct Hit
{
  Vector point;
  Vector normal;
};

// Point and outward normal of the foremost skin at a place, seen from the front.
Hit front_hit(const Rig & rig, double lateral, double vertical)
{
  const auto mark = [&](const char * name) {return vertex(rig, rig.landmarks.at(name));};
  const double pupils = 0.5 * (mark("pupil_left")[2] + mark("pupil_right")[2]);
  const double mouth = 0.5 * (mark("mouth_corner_left")[2] + mark("mouth_corner_right")[2]);
  const double y = lateral * 0.5 * (mark("pupil_left")[1] - mark("pupil_right")[1]);
  const double z = pupils + vertical * (pupils - mouth);
  const auto [first, last] = rig.parts.at("skin");
  Hit best{};
  double foremost = -std::numeric_limits<double>::infinity();
  for (std::size_t t = 0; t + 2 < rig.triangles.size(); t += 3) {
    const std::size_t i = rig.triangles[t], j = rig.triangles[t + 1], k = rig.triangles[t + 2];
    if (std::min({i, j, k}) < first || std::max({i, j, k}) >= last) {continue;}
    const Vector a = vertex(rig, i), ab = vertex(rig, j) - a, ac = vertex(rig, k) - a;
    const double area = ab[1] * ac[2] - ab[2] * ac[1];
    if (!(std::abs(area) > 1e-14)) {continue;}
    const double py = y - a[1], pz = z - a[2];
    const double share_b = (py * ac[2] - pz * ac[1]) / area;
    const double share_c = (ab[1] * pz - ab[2] * py) / area;
    if (!(share_b >= -1e-9 && share_c >= -1e-9 && share_b + share_c <= 1.0 + 1e-9)) {continue;}
    const double x = a[0] + share_b * ab[0] + share_c * ac[0];
    if (x > foremost) {
      foremost = x;
      best = {{x, y, z}, unit(cross(ab, ac))};
    }
  }
  if (!std::isfinite(foremost)) {
    char text[200];
    std::snprintf(text, sizeof text,
      "expected skin at place %.3g %.3g of rig %.40s, found none; lateral 1 is a pupil's distance from the midline, "
      "vertical -1 the height of the mouth corners", lateral, vertical, rig.name.c_str());
    throw PlaceError(text);
  }
  return best;
}

using Matrix = std::array<Vector, 3>;  // rows

// Inverse of a symmetric matrix; throws PlaceError where it has none.
Matrix inverse(const Matrix & m)
{
  const Matrix columns = {cross(m[1], m[2]), cross(m[2], m[0]), cross(m[0], m[1])};
  const double determinant = dot(m[0], columns[0]);
  if (!(std::abs(determinant) > 1e-30)) {
    throw PlaceError("expected skin with an area under the sensor, found vertices on a line");
  }
  Matrix result{};
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) {result[r][c] = columns[c][r] / determinant;}
  }
  return result;
}

}  // namespace

Board::Board(const Rig & rig, double lateral, double vertical)
{
  if (!std::isfinite(lateral) || !std::isfinite(vertical)) {throw PlaceError("expected a finite place, found none");}
  const Hit hit = front_hit(rig, lateral, vertical);
  const auto [first, last] = rig.parts.at("skin");
  if (last - first <= LEAST_VERTICES) {
    throw PlaceError("expected more than " + std::to_string(LEAST_VERTICES) + " vertices of skin");
  }
  std::vector<double> apart;
  for (std::size_t v = first; v < last; ++v) {apart.push_back(length(vertex(rig, v) - hit.point));}
  std::vector<double> sorted = apart;
  std::nth_element(sorted.begin(), sorted.begin() + LEAST_VERTICES, sorted.end());
  const double reach = std::max(PATCH_RADIUS_M, 1.1 * sorted[LEAST_VERTICES]);
  std::vector<std::size_t> near;
  std::vector<double> share;
  for (std::size_t v = first; v < last; ++v) {
    const double relative = apart[v - first] / reach;
    if (relative < 1.0) {
      near.push_back(v);
      share.push_back((1.0 - relative * relative) * (1.0 - relative * relative));
    }
  }
  // The plane is fitted over its own tangents, so its slope is found in a few rounds.
  Vector normal = hit.normal;
  std::vector<Vector> weights(near.size());
  for (int round = 0; round < 4; ++round) {
    const Vector up = UP - normal * normal[2];
    if (!(length(up) > 1e-9)) {throw PlaceError("expected skin that can be seen from the front, found flat skin");}
    const Vector x = unit(up), y = cross(normal, x);
    std::vector<Vector> design;
    Matrix sum{};
    for (std::size_t n = 0; n < near.size(); ++n) {
      const Vector off = vertex(rig, near[n]) - hit.point;
      design.push_back({1.0, dot(off, x), dot(off, y)});
      for (std::size_t r = 0; r < 3; ++r) {sum[r] = sum[r] + design[n] * (design[n][r] * share[n]);}
    }
    const Matrix solved = inverse(sum);
    centre_ = {};
    tangents_ = {};
    for (std::size_t n = 0; n < near.size(); ++n) {
      for (std::size_t r = 0; r < 3; ++r) {weights[n][r] = dot(solved[r], design[n]) * share[n];}
      const Vector position = vertex(rig, near[n]);
      centre_ = centre_ + position * weights[n][0];
      for (std::size_t k = 0; k < 2; ++k) {tangents_[k] = tangents_[k] + position * weights[n][k + 1];}
    }
    normal = unit(cross(tangents_[0], tangents_[1]));
    if (!finite(normal)) {throw PlaceError("expected skin with an area under the sensor, found none");}
  }
  for (std::size_t m = 0; m < rig.moves(); ++m) {
    Move move{m, {}, {}};
    bool moves = false;
    for (std::size_t n = 0; n < near.size(); ++n) {
      const Vector by = displacement(rig, m, near[n]);
      moves = moves || by != Vector{};
      move.centre = move.centre + by * weights[n][0];
      for (std::size_t k = 0; k < 2; ++k) {move.tangents[k] = move.tangents[k] + by * weights[n][k + 1];}
    }
    if (moves) {moves_.push_back(move);}
  }
}

Board::Board(const BoardPose & skull)
: centre_(skull.position), on_skull_(true), skull_(skull.orientation)
{
  double norm = 0.0;
  for (const double part : skull_) {norm += part * part;}
  if (!finite(centre_) || !(length(centre_) < 10.0) || !(std::abs(std::sqrt(norm) - 1.0) < 1e-3)) {
    throw PlaceError("expected a pose on the skull, found one that is not finite, or no rotation");
  }
}

BoardPose Board::pose(const std::vector<float> & active) const
{
  if (on_skull_) {return {centre_, skull_};}
  Vector centre = centre_;
  auto tangents = tangents_;
  for (const Move & move : moves_) {
    const double share = move.index < active.size() ? active[move.index] : 0.0;
    centre = centre + move.centre * share;
    for (std::size_t k = 0; k < 2; ++k) {tangents[k] = tangents[k] + move.tangents[k] * share;}
  }
  // The nearest board to the two tangents, which shear with the skin: neither of them is favoured.
  const Vector z = unit(cross(tangents[0], tangents[1]));
  const Vector x = unit(tangents[0] + cross(tangents[1], z));
  return {centre, rotation_of(x, cross(z, x), z)};
}

}  // namespace imusic_rviz
