#include "rig.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "errors.hpp"
#include "json.hpp"
#include "npz.hpp"

namespace imusic_rviz
{
namespace
{

const char FORMAT[] = "imusic rig 1";
constexpr std::size_t MOST_VERTICES = 1'000'000;

const Array & need(const std::map<std::string, Array> & arrays, const std::string & name)
{
  const auto found = arrays.find(name);
  if (found == arrays.end()) {throw RigError("expected the array " + name + ", found none");}
  return found->second;
}

void check_shape(const std::string & name, const Array & array, const std::vector<std::size_t> & expected)
{
  if (array.shape != expected) {throw RigError("expected other lengths of " + name + " beside the other arrays");}
}

void check_finite(const std::string & name, const std::vector<float> & numbers)
{
  if (!std::all_of(numbers.begin(), numbers.end(), [](float x) {return std::isfinite(x) && std::abs(x) < 1e3F;})) {
    throw RigError("expected metres in " + name + ", found a number that is none");
  }
}

Rig from_arrays(const std::map<std::string, Array> & arrays)
{
  const Json label = parse_json(need(arrays, "label").text("label"));
  if (label.at("format").text() != FORMAT) {
    throw RigError(std::string("expected format '") + FORMAT + "', found '" + label.at("format").text().substr(0, 40) + "'");
  }
  Rig rig;
  rig.name = label.at("name").text();
  const Array & neutral = need(arrays, "neutral");
  if (neutral.shape.size() != 2 || neutral.shape[0] == 0 || neutral.shape[0] > MOST_VERTICES || neutral.shape[1] != 3) {
    throw RigError("expected from 1 to " + std::to_string(MOST_VERTICES) + " vertices, found another shape of neutral");
  }
  const std::size_t count = neutral.shape[0];
  rig.neutral = neutral.numbers<float>("neutral", "<f4");
  check_finite("neutral", rig.neutral);

  for (const Json & pair : label.at("pairs").list()) {
    if (pair.list().size() != 2) {throw RigError("expected pairs of shapes, found another number");}
    rig.pairs.emplace_back(pair.list()[0].index(), pair.list()[1].index());
    if (std::max(rig.pairs.back().first, rig.pairs.back().second) >= SHAPES) {
      throw RigError("expected correctives of the 52 shapes, found a shape beyond");
    }
  }
  check_shape("displacements", need(arrays, "displacements"), {rig.moves(), count, 3});
  rig.displacements = need(arrays, "displacements").numbers<float>("displacements", "<f4");
  check_finite("displacements", rig.displacements);

  const Array & triangles = need(arrays, "triangles");
  if (triangles.shape.size() != 2 || triangles.shape[1] != 3) {throw RigError("expected triangles of 3 corners");}
  for (const std::int32_t corner : triangles.numbers<std::int32_t>("triangles", "<i4")) {
    if (corner < 0 || static_cast<std::size_t>(corner) >= count) {
      throw RigError("expected triangles over " + std::to_string(count) + " vertices, found corner " +
                     std::to_string(corner));
    }
    rig.triangles.push_back(static_cast<std::uint32_t>(corner));
  }
  check_shape("colors", need(arrays, "colors"), {count, 3});
  rig.colors = need(arrays, "colors").numbers<std::uint8_t>("colors", "|u1");

  for (const auto & [name, ends] : label.at("parts").object()) {
    if (ends.list().size() != 2) {throw RigError("expected two ends of part " + name);}
    const std::size_t first = ends.list()[0].index(), last = ends.list()[1].index();
    if (first > last || last > count) {throw RigError("expected part " + name + " within the vertices");}
    rig.parts[name] = {first, last};
  }
  if (rig.parts.count("skin") == 0) {throw RigError("expected a part skin, found none");}
  for (const auto & [name, vertex] : label.at("landmarks").object()) {
    if (vertex.index() >= count) {throw RigError("expected landmark " + name + " within the vertices");}
    rig.landmarks[name] = vertex.index();
  }
  for (const char * name : {"pupil_left", "pupil_right", "mouth_corner_left", "mouth_corner_right"}) {
    if (rig.landmarks.count(name) == 0) {throw RigError(std::string("expected the landmark ") + name + ", found none");}
  }
  return rig;
}

}  // namespace

Rig load_rig(const std::string & path)
{
  const std::string ending = std::filesystem::path(path).extension().string();
  if (ending != ".npz") {
    throw RigError("expected a rig of ours (.npz), found " + path +
                   "; convert glTF, VRM or OBJ with: imusic rig export --face FILE face.npz");
  }
  const auto arrays = read_npz(path);
  try {
    return from_arrays(arrays);
  } catch (const RigError & error) {
    throw RigError(std::string(error.what()) + " in " + path +
                   "; write it again with: imusic rig export --face FILE face.npz");
  }
}

std::vector<float> activations(const Rig & rig, const Weights & weights)
{
  std::vector<float> active(weights.begin(), weights.end());
  active.reserve(rig.moves());
  for (const auto & [i, j] : rig.pairs) {
    active.push_back(i == j ? 4.0F * weights[i] * (1.0F - weights[i]) : weights[i] * weights[j]);
  }
  return active;
}

}  // namespace imusic_rviz
