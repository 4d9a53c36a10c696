// Vectors and rotations in face_head axes.
#pragma once

#include <array>
#include <cmath>

namespace imusic_rviz
{

using Vector = std::array<double, 3>;
using Quaternion = std::array<double, 4>;  // x, y, z, w

inline Vector operator+(const Vector & a, const Vector & b) {return {a[0] + b[0], a[1] + b[1], a[2] + b[2]};}
inline Vector operator-(const Vector & a, const Vector & b) {return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};}
inline Vector operator*(const Vector & a, double s) {return {a[0] * s, a[1] * s, a[2] * s};}
inline double dot(const Vector & a, const Vector & b) {return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];}
inline Vector cross(const Vector & a, const Vector & b)
{
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
inline double length(const Vector & a) {return std::sqrt(dot(a, a));}
inline Vector unit(const Vector & a) {return a * (1.0 / length(a));}
inline bool finite(const Vector & a) {return std::isfinite(a[0]) && std::isfinite(a[1]) && std::isfinite(a[2]);}

// The rotation whose matrix has these columns (orthonormal, right-handed).
inline Quaternion rotation_of(const Vector & x, const Vector & y, const Vector & z)
{
  const double trace = x[0] + y[1] + z[2];
  Quaternion q{};
  if (trace > 0.0) {
    q = {y[2] - z[1], z[0] - x[2], x[1] - y[0], 1.0 + trace};
  } else if (x[0] >= y[1] && x[0] >= z[2]) {
    q = {1.0 + x[0] - y[1] - z[2], x[1] + y[0], x[2] + z[0], y[2] - z[1]};
  } else if (y[1] >= z[2]) {
    q = {x[1] + y[0], 1.0 - x[0] + y[1] - z[2], y[2] + z[1], z[0] - x[2]};
  } else {
    q = {x[2] + z[0], y[2] + z[1], 1.0 - x[0] - y[1] + z[2], x[1] - y[0]};
  }
  const double norm = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  for (double & part : q) {part /= norm;}
  return q;
}

}  // namespace imusic_rviz
