// Lets the tests call the plugin's own code, free of RViz and ROS: a command, its arguments, float32 in and out.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include "core/blending.hpp"
#include "core/boards.hpp"
#include "core/errors.hpp"
#include "core/frame.hpp"
#include "core/rig.hpp"
#include "core/trail.hpp"

using namespace imusic_rviz;  // NOLINT

namespace
{

bool read_weights(Weights & weights)
{
  return std::fread(weights.data(), sizeof(float), SHAPES, stdin) == SHAPES;
}

void write(const std::vector<float> & numbers)
{
  std::fwrite(numbers.data(), sizeof(float), numbers.size(), stdout);
}

int run(const std::vector<std::string> & words)
{
  const std::string & command = words[0];
  Weights weights{};
  if (command == "names") {
    for (const auto name : SHAPE_NAMES) {std::cout << name << "\n";}
  } else if (command == "load") {
    const Rig rig = load_rig(words[1]);
    std::cout << rig.name << " " << rig.vertices() << " " << rig.moves() << " " << rig.triangles.size() / 3 << "\n";
  } else if (command == "blend") {
    Blender blender(load_rig(words[1]));
    while (read_weights(weights)) {
      blender.move_to(weights);
      write(blender.positions());
      write(blender.normals());
    }
  } else if (command == "moved") {
    Blender blender(load_rig(words[1]));
    while (read_weights(weights)) {std::cout << blender.move_to(weights);}
  } else if (command == "doubt") {
    const Rig rig = load_rig(words[1]);
    if (!read_weights(weights)) {return 2;}
    write(Doubt(rig).at(weights));
  } else if (command == "colors") {
    const Rig rig = load_rig(words[1]);
    Color skin{};
    for (std::size_t k = 0; k < 3; ++k) {skin[k] = std::stof(words[2 + k]);}
    const auto colors = vertex_colors(rig, skin, std::vector<float>(rig.vertices(), std::stof(words[5])));
    std::fwrite(colors.data(), 1, colors.size(), stdout);
  } else if (command == "boards") {
    const Rig rig = load_rig(words[1]);
    std::vector<Board> boards;
    for (std::size_t k = 2; k + 1 < words.size(); k += 2) {
      boards.emplace_back(rig, std::strtod(words[k].c_str(), nullptr), std::strtod(words[k + 1].c_str(), nullptr));
    }
    while (read_weights(weights)) {
      const auto active = activations(rig, weights);
      for (const Board & board : boards) {
        const BoardPose pose = board.pose(active);
        std::vector<float> numbers(pose.position.begin(), pose.position.end());
        numbers.insert(numbers.end(), pose.orientation.begin(), pose.orientation.end());
        write(numbers);
      }
    }
  } else if (command == "skull") {
    std::vector<double> n;
    for (std::size_t k = 1; k < words.size(); ++k) {n.push_back(std::strtod(words[k].c_str(), nullptr));}
    Board({{n[0], n[1], n[2]}, {n[3], n[4], n[5], n[6]}});
  } else if (command == "front") {
    FrontView view;
    for (std::size_t k = 1; k + 4 < words.size(); k += 5) {
      double n[5];
      for (std::size_t i = 0; i < 5; ++i) {n[i] = std::strtod(words[k + i].c_str(), nullptr);}
      const Quaternion q = view.turn({n[1], n[2], n[3], n[4]}, n[0]);
      write({static_cast<float>(q[0]), static_cast<float>(q[1]), static_cast<float>(q[2]), static_cast<float>(q[3])});
    }
  } else if (command == "problem") {
    FaceFrame frame;
    if (!read_weights(frame.weights) || !read_weights(frame.confidence)) {return 2;}
    if (words.size() > 1) {frame.head[1] = std::strtod(words[1].c_str(), nullptr);}
    std::cout << problem_of(frame);
  } else if (command == "states") {
    for (int value = 0; value < 6; ++value) {std::cout << state_text(state_of(static_cast<std::uint8_t>(value))) << "\n";}
    std::cout << state_text(State::NO_INPUT) << "\n";
  } else if (command == "health") {
    for (int bits = 0; bits < 256; ++bits) {
      const auto health = health_of(static_cast<std::uint8_t>(bits));
      const auto color = health_color(health);
      write({static_cast<float>(health), color[0], color[1], color[2]});
    }
  } else if (command == "topic") {
    std::cout << in_namespace(words[1], words[2]);
  } else if (command == "shapes") {
    std::vector<std::string> unknown;
    for (const std::size_t shape : shapes_of(words[1], unknown)) {std::cout << SHAPE_NAMES[shape] << " ";}
    for (const auto & word : unknown) {std::cout << "?" << word << " ";}
  } else if (command == "trail") {
    WeightTrail trail(std::strtod(words[1].c_str(), nullptr));
    trail.choose({17, 99, 0});
    for (std::size_t k = 2; k < words.size(); ++k) {
      weights[17] = static_cast<float>(k);
      trail.add(std::strtod(words[k].c_str(), nullptr), weights);
    }
    std::cout << trail.shapes().size() << " " << trail.window_s();
    for (const auto & point : trail.of(0)) {std::cout << " " << point.time_s << ":" << point.weight;}
  } else {
    return 2;
  }
  return 0;
}

}  // namespace

int main(int count, char ** words)
{
  try {
    return count < 2 ? 2 : run({words + 1, words + count});
  } catch (const RigError & error) {
    std::cout << error.what() << "\n";
    return 3;
  } catch (const PlaceError & error) {
    std::cout << error.what() << "\n";
    return 4;
  }
}
