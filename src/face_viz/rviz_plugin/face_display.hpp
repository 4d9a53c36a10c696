// RViz display: a face that is blended from imusic/FaceBlendshapes where it is drawn.
#pragma once

#include <rclcpp/rclcpp.hpp>
#include <rviz_common/display.hpp>
#include <rviz_common/properties/status_property.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/blending.hpp"
#include "core/boards.hpp"
#include "core/frame.hpp"
#include "core/trail.hpp"
#include "imusic/msg/face_blendshapes.hpp"
#include "imusic/msg/sensor_layout.hpp"
#include "imusic/msg/sensor_states.hpp"

namespace rviz_common::properties
{
class BoolProperty;
class ColorProperty;
class EnumProperty;
class FloatProperty;
class IntProperty;
class QosProfileProperty;
class RosTopicProperty;
class StringProperty;
}  // namespace rviz_common::properties

namespace rviz_rendering
{
class MovableText;
class Shape;
}  // namespace rviz_rendering

namespace imusic_rviz
{

class FaceMesh;
class TrailOverlay;

class FaceDisplay : public rviz_common::Display
{
  Q_OBJECT

public:
  FaceDisplay();
  ~FaceDisplay() override;

  void update(float wall_dt, float ros_dt) override;
  void reset() override;
  void setTopic(const QString & topic, const QString & type) override;

protected:
  void onInitialize() override;
  void onEnable() override;
  void onDisable() override;

private Q_SLOTS:
  void change_namespace();
  void change_topic();
  void change_rig();
  void change_look();
  void change_sensors();
  void change_trail();

private:
  using Blendshapes = imusic::msg::FaceBlendshapes;
  using Layout = imusic::msg::SensorLayout;
  using States = imusic::msg::SensorStates;

  using StatusLevel = rviz_common::properties::StatusProperty::Level;

  // One sensor that is drawn.
  struct Shown
  {
    std::size_t index;  // in the layout
    Board board;
    std::unique_ptr<rviz_rendering::Shape> cube;
    Ogre::SceneNode * label_node;
    std::unique_ptr<rviz_rendering::MovableText> label;
  };

  bool seen(const Shown & sensor) const;
  void say_lasting(StatusLevel level, const QString & name, const QString & text);
  void subscribe();
  void unsubscribe();
  void show_frame(const Blendshapes & message);
  void show_layout();
  void show_health();
  void place_sensors();
  void place_head();
  void say_state();
  void clear_sensors();
  void color_face();
  void draw_trail(double now_s);

  rviz_common::properties::StringProperty * namespace_;
  rviz_common::properties::RosTopicProperty * topic_;
  rviz_common::properties::QosProfileProperty * qos_property_;
  rviz_common::properties::StringProperty * rig_property_;
  rviz_common::properties::ColorProperty * skin_;
  rviz_common::properties::BoolProperty * tint_;
  rviz_common::properties::BoolProperty * lit_;
  rviz_common::properties::BoolProperty * wireframe_;
  rviz_common::properties::EnumProperty * turn_;
  rviz_common::properties::BoolProperty * state_shown_;
  rviz_common::properties::BoolProperty * sensors_shown_;
  rviz_common::properties::BoolProperty * names_shown_;
  rviz_common::properties::BoolProperty * trail_shown_;
  rviz_common::properties::StringProperty * trail_shapes_;
  rviz_common::properties::FloatProperty * trail_seconds_;
  rviz_common::properties::IntProperty * trail_left_;
  rviz_common::properties::IntProperty * trail_top_;

  rclcpp::QoS qos_;
  rclcpp::Subscription<Blendshapes>::SharedPtr faces_;
  rclcpp::Subscription<Layout>::SharedPtr layouts_;
  rclcpp::Subscription<States>::SharedPtr states_;

  // Written by callbacks, which other versions of RViz may run in threads of their own.
  std::mutex mutex_;
  Blendshapes::ConstSharedPtr newest_;
  Layout::ConstSharedPtr new_layout_;
  States::ConstSharedPtr new_states_;
  std::size_t received_ = 0;

  std::unique_ptr<Rig> rig_;
  std::unique_ptr<Blender> blender_;
  std::unique_ptr<Doubt> doubt_;
  std::unique_ptr<FaceMesh> mesh_;
  std::vector<Shown> sensors_;
  Layout::ConstSharedPtr layout_;
  States::ConstSharedPtr sensor_states_;
  Ogre::SceneNode * head_node_ = nullptr;
  Ogre::SceneNode * text_node_ = nullptr;
  std::unique_ptr<rviz_rendering::MovableText> text_;
  std::unique_ptr<TrailOverlay> overlay_;

  WeightTrail trail_;
  FrontView front_;
  FaceFrame frame_;
  std::string frame_id_;
  Weights tinted_{};
  std::string problem_;
  std::map<QString, std::pair<StatusLevel, QString>> lasting_;  // statuses that outlive a reset of RViz
  bool ready_ = false;
  bool had_problem_ = false;
  double arrived_s_ = -1.0;   // of the newest face, monotonic
  double colored_s_ = -1.0;
  double drawn_s_ = -1.0;     // of the trail
  double counted_s_ = -1.0;
  std::size_t counted_ = 0;
  State said_ = State::TRACKING;
};

}  // namespace imusic_rviz
