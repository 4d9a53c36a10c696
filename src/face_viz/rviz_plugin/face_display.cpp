#include "face_display.hpp"

#include <OgreCamera.h>
#include <OgreSceneManager.h>
#include <OgreSceneNode.h>
#include <QFileInfo>

#include <ament_index_cpp/get_package_share_directory.hpp>
#include <pluginlib/class_list_macros.hpp>
#include <rviz_common/display_context.hpp>
#include <rviz_common/frame_manager_iface.hpp>
#include <rviz_common/properties/bool_property.hpp>
#include <rviz_common/properties/color_property.hpp>
#include <rviz_common/properties/enum_property.hpp>
#include <rviz_common/properties/float_property.hpp>
#include <rviz_common/properties/int_property.hpp>
#include <rviz_common/properties/qos_profile_property.hpp>
#include <rviz_common/properties/ros_topic_property.hpp>
#include <rviz_common/properties/status_property.hpp>
#include <rviz_common/properties/string_property.hpp>
#include <rviz_common/view_controller.hpp>
#include <rviz_common/view_manager.hpp>
#include <rviz_rendering/objects/movable_text.hpp>
#include <rviz_rendering/objects/shape.hpp>
#include <rviz_rendering/render_system.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include "core/errors.hpp"
#include "face_mesh.hpp"
#include "trail_overlay.hpp"

namespace imusic_rviz
{
namespace
{

namespace props = rviz_common::properties;
using Level = props::StatusProperty;

const char FACES[] = "face/blendshapes";
const char HEAD[] = "head";
constexpr std::size_t MOST_SENSORS = 256;
// A board as the markers draw it, m.
constexpr float BOARD_M[3] = {0.0078F, 0.0078F, 0.002F};
constexpr double COLOR_PERIOD_S = 0.1;
constexpr double TRAIL_PERIOD_S = 1.0 / 15.0;
constexpr double COUNT_PERIOD_S = 1.0;
// A change of confidence that nobody sees.
constexpr float SAME_CONFIDENCE = 0.02F;

enum Turn { AUTO, BY_TF, BY_MESSAGE };

double now_s()
{
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string path_of(const std::string & chosen)
{
  if (chosen.empty() || chosen == HEAD) {
    return ament_index_cpp::get_package_share_directory("imusic") + "/rigs/head.npz";
  }
  const char * home = std::getenv("HOME");
  return chosen.rfind("~/", 0) == 0 && home != nullptr ? home + chosen.substr(1) : chosen;
}

// What stands before "face/blendshapes" in a topic; the namespace where the topic has another name.
std::string space_of(const std::string & topic, const std::string & space)
{
  const std::string ending = std::string("/") + FACES;
  const bool ours = topic.size() >= ending.size() &&
    topic.compare(topic.size() - ending.size(), ending.size(), ending) == 0;
  return ours ? topic.substr(0, topic.size() - ending.size()) : space;
}

FaceFrame frame_of(const imusic::msg::FaceBlendshapes & message)
{
  FaceFrame frame;
  std::copy(message.weights.begin(), message.weights.end(), frame.weights.begin());
  std::copy(message.confidence.begin(), message.confidence.end(), frame.confidence.begin());
  std::copy(message.observable.begin(), message.observable.end(), frame.observable.begin());
  frame.state = state_of(message.state);
  const auto & q = message.head_orientation;
  frame.head = {q.x, q.y, q.z, q.w};
  frame.age_s = message.age;
  return frame;
}

// What RViz can draw of a sensor's name: a text of blanks, or of letters that its font lacks, has no vertices, and Ogre
// refuses an empty buffer.
std::string label_of(const std::string & name)
{
  std::string label;
  for (const char letter : name.substr(0, 40)) {label += letter > ' ' && letter <= '~' ? letter : '?';}
  return label.empty() ? "?" : label;
}

Ogre::Vector3 to_ogre(const Vector & v)
{
  return {static_cast<float>(v[0]), static_cast<float>(v[1]), static_cast<float>(v[2])};
}

Ogre::Quaternion to_ogre(const Quaternion & q)
{
  return {static_cast<float>(q[3]), static_cast<float>(q[0]), static_cast<float>(q[1]), static_cast<float>(q[2])};
}

}  // namespace

FaceDisplay::FaceDisplay()
: qos_(rclcpp::SensorDataQoS())
{
  namespace_ = new props::StringProperty(
    "Namespace", "", "Of the wearer's nodes; sets the topic. Empty: none.", this, SLOT(change_namespace()));
  topic_ = new props::RosTopicProperty(
    "Topic", "/face/blendshapes", "imusic/msg/FaceBlendshapes", "Faces; layout and states of the sensors are beside it.",
    this, SLOT(change_topic()));
  qos_property_ = new props::QosProfileProperty(topic_, qos_);
  rig_property_ = new props::StringProperty(
    "Rig", HEAD, "Face that is moved: head, the one that comes with the package, or the path of an .npz file that "
    "`imusic rig export --face FILE face.npz` wrote.", this, SLOT(change_rig()));
  skin_ = new props::ColorProperty(
    "Skin", QColor::fromRgbF(PLAIN_SKIN[0], PLAIN_SKIN[1], PLAIN_SKIN[2]),
    "Colour of the skin; as built the rig's own.", this, SLOT(change_look()));
  tint_ = new props::BoolProperty(
    "Tint by confidence", false, "Blue-grey where the model is not sure of the shapes that move the skin.", this,
    SLOT(change_look()));
  lit_ = new props::BoolProperty("Light", true, "Shade the face by RViz's light.", this, SLOT(change_look()));
  wireframe_ = new props::BoolProperty("Wireframe", false, "Draw the edges only.", this, SLOT(change_look()));
  turn_ = new props::EnumProperty(
    "Head turns by", "auto", "TF: as the transform of the head's frame says. message: head_orientation on top of it, "
    "seen from the front. auto: by the message where the fixed frame is the head's own, else by TF.", this);
  turn_->addOption("auto", AUTO);
  turn_->addOption("TF", BY_TF);
  turn_->addOption("message", BY_MESSAGE);
  state_shown_ = new props::BoolProperty(
    "State", true, "Say above the head when it is not tracking.", this, SLOT(change_look()));
  sensors_shown_ = new props::BoolProperty(
    "Sensors", true, "Boards on the skin: green valid, orange faulty, grey missing.", this, SLOT(change_sensors()));
  names_shown_ = new props::BoolProperty("Names", false, "Of the sensors.", sensors_shown_, SLOT(change_sensors()), this);
  trail_shown_ = new props::BoolProperty(
    "Trail", false, "Graph of the last seconds of chosen weights.", this, SLOT(change_trail()));
  trail_shapes_ = new props::StringProperty(
    "Shapes", "jawOpen, mouthSmile, browInnerUp, eyeBlink", "Names of up to 8 shapes with commas between; "
    "without Left or Right: both.", trail_shown_, SLOT(change_trail()), this);
  trail_seconds_ = new props::FloatProperty(
    "Seconds", 8.0F, "Length of the trail.", trail_shown_, SLOT(change_trail()), this);
  trail_seconds_->setMin(0.5F);
  trail_seconds_->setMax(120.0F);
  trail_left_ = new props::IntProperty("Left", 10, "Pixels; negative: from the right.", trail_shown_, SLOT(change_trail()), this);
  trail_top_ = new props::IntProperty("Top", -10, "Pixels; negative: from the bottom.", trail_shown_, SLOT(change_trail()), this);
}

FaceDisplay::~FaceDisplay()
{
  unsubscribe();
  clear_sensors();
}

void FaceDisplay::onInitialize()
{
  rviz_common::Display::onInitialize();
  topic_->initialize(context_->getRosNodeAbstraction());
  qos_property_->initialize([this](rclcpp::QoS profile) {
      qos_ = profile;
      change_topic();
    });
  head_node_ = scene_node_->createChildSceneNode();
  text_node_ = scene_node_->createChildSceneNode();
  text_ = std::make_unique<rviz_rendering::MovableText>("-", "Liberation Sans", 0.012F);
  text_->setTextAlignment(
    rviz_rendering::MovableText::H_CENTER, rviz_rendering::MovableText::V_ABOVE);
  text_->setColor(Ogre::ColourValue(0.86F, 0.35F, 0.13F));
  text_node_->attachObject(text_.get());
  text_node_->setVisible(false);
  ready_ = true;
  change_rig();
  change_trail();
}

void FaceDisplay::onEnable()
{
  subscribe();
  change_trail();
}

void FaceDisplay::onDisable()
{
  unsubscribe();
  change_trail();
}

void FaceDisplay::reset()
{
  rviz_common::Display::reset();  // forgets what was said; some of it still holds
  for (const auto & [name, said] : lasting_) {setStatus(said.first, name, said.second);}
  std::lock_guard<std::mutex> lock(mutex_);
  newest_.reset();
  received_ = counted_ = 0;
  trail_.clear();
  arrived_s_ = -1.0;
  problem_.clear();
}

void FaceDisplay::setTopic(const QString & topic, const QString &) {topic_->setString(topic);}

// Subscriptions.

void FaceDisplay::change_namespace()
{
  topic_->setString(QString::fromStdString(in_namespace(namespace_->getStdString(), FACES)));
}

void FaceDisplay::change_topic()
{
  if (!ready_) {return;}
  unsubscribe();
  reset();
  subscribe();
}

void FaceDisplay::subscribe()
{
  if (!isEnabled()) {return;}
  const auto abstraction = context_->getRosNodeAbstraction().lock();
  if (!abstraction) {return;}
  const auto node = abstraction->get_raw_node();
  const std::string topic = topic_->getTopicStd();
  const std::string space = space_of(topic, namespace_->getStdString());
  const auto latched = rclcpp::QoS(1).reliable().transient_local();
  try {
    faces_ = node->create_subscription<Blendshapes>(
      topic, qos_, [this](Blendshapes::ConstSharedPtr message) {
        std::lock_guard<std::mutex> lock(mutex_);
        newest_ = std::move(message);
        ++received_;
      });
    layouts_ = node->create_subscription<Layout>(
      in_namespace(space, "imu/layout"), latched, [this](Layout::ConstSharedPtr message) {
        std::lock_guard<std::mutex> lock(mutex_);
        new_layout_ = std::move(message);
      });
    states_ = node->create_subscription<States>(
      in_namespace(space, "imu/states"), latched, [this](States::ConstSharedPtr message) {
        std::lock_guard<std::mutex> lock(mutex_);
        new_states_ = std::move(message);
      });
    setStatus(Level::Warn, "Topic", QString("no faces yet on %1; is face_inference active?").arg(topic_->getTopic()));
  } catch (const std::exception & error) {  // rclcpp has several for names that are none
    unsubscribe();
    setStatus(Level::Error, "Topic", QString("expected the name of a topic, found %1").arg(error.what()));
  }
  arrived_s_ = counted_s_ = now_s();
}

void FaceDisplay::unsubscribe()
{
  faces_.reset();
  layouts_.reset();
  states_.reset();
}

void FaceDisplay::say_lasting(StatusLevel level, const QString & name, const QString & text)
{
  lasting_[name] = {level, text};
  setStatus(level, name, text);
}

// Properties.

void FaceDisplay::change_rig()
{
  if (!ready_) {return;}
  clear_sensors();
  mesh_.reset();
  doubt_.reset();
  blender_.reset();
  rig_.reset();
  try {
    rig_ = std::make_unique<Rig>(load_rig(path_of(rig_property_->getStdString())));
    blender_ = std::make_unique<Blender>(*rig_);
    doubt_ = std::make_unique<Doubt>(*rig_);
    mesh_ = std::make_unique<FaceMesh>(scene_manager_, head_node_, *rig_);
  } catch (const std::exception & error) {  // also of Ogre and of the index of packages: RViz goes on
    mesh_.reset();
    blender_.reset();
    rig_.reset();
    say_lasting(Level::Error, "Rig", QString::fromUtf8(error.what()));
    context_->queueRender();
    return;
  }
  say_lasting(
    Level::Ok, "Rig", QString("%1: %2 vertices, %3 shapes and %4 correctives").arg(
      QString::fromStdString(rig_->name.substr(0, 60))).arg(rig_->vertices()).arg(SHAPES).arg(rig_->pairs.size()));
  blender_->move_to(frame_.weights);
  mesh_->move_to(*blender_);
  change_look();
  show_layout();
}

void FaceDisplay::change_look()
{
  if (!mesh_) {return;}
  mesh_->set_wireframe(wireframe_->getBool());
  mesh_->set_lit(lit_->getBool());
  color_face();
  said_ = State::TRACKING;
  text_node_->setVisible(false);
  context_->queueRender();
}

void FaceDisplay::change_sensors()
{
  for (const Shown & sensor : sensors_) {
    sensor.cube->getRootNode()->setVisible(sensors_shown_->getBool());
    sensor.label_node->setVisible(sensors_shown_->getBool() && names_shown_->getBool() && seen(sensor));
  }
}

// Whether the outer side of a board is turned to the camera. Drawn on top of all, the names of the other side of the
// head would mix with those of this one.
bool FaceDisplay::seen(const Shown & sensor) const
{
  const auto * view = context_->getViewManager()->getCurrent();
  if (view == nullptr || view->getCamera() == nullptr) {return true;}
  const Ogre::SceneNode * board = sensor.cube->getRootNode();
  const Ogre::Vector3 outward = board->_getDerivedOrientation() * Ogre::Vector3::UNIT_Z;
  return outward.dotProduct(view->getCamera()->getDerivedPosition() - board->_getDerivedPosition()) > 0.0F;
}

void FaceDisplay::change_trail()
{
  if (!ready_) {return;}
  const bool on = trail_shown_->getBool() && isEnabled();
  std::vector<std::string> unknown;
  const auto shapes = shapes_of(trail_shapes_->getStdString(), unknown);
  trail_.choose(shapes);
  trail_.set_window(trail_seconds_->getFloat());
  if (!unknown.empty() || shapes.size() > WeightTrail::MOST_SHAPES) {
    setStatus(
      Level::Warn, "Trail", unknown.empty() ? QString("only the first %1 shapes are drawn").arg(WeightTrail::MOST_SHAPES) :
      QString("expected ARKit's names such as jawOpen, found %1").arg(QString::fromStdString(unknown[0].substr(0, 60))));
  } else {
    deleteStatus("Trail");
  }
  if (on && !overlay_) {
    rviz_rendering::RenderSystem::get()->prepareOverlays(scene_manager_);
    overlay_ = std::make_unique<TrailOverlay>();
  }
  if (overlay_) {
    overlay_->place(trail_left_->getInt(), trail_top_->getInt());
    overlay_->show(on);
    if (on) {overlay_->draw(trail_, now_s());}
  }
}

// Faces.

void FaceDisplay::update(float, float)
{
  Blendshapes::ConstSharedPtr face;
  Layout::ConstSharedPtr layout;
  States::ConstSharedPtr states;
  std::size_t received = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    face.swap(newest_);
    layout.swap(new_layout_);
    states.swap(new_states_);
    received = received_;
  }
  const double now = now_s();
  if (face) {
    show_frame(*face);
    arrived_s_ = now;
  }
  if (layout) {
    layout_ = layout;
    show_layout();
  }
  if (states) {
    sensor_states_ = states;
    show_health();
  }
  if (faces_ && now - arrived_s_ > STILL_S) {frame_.state = State::NO_INPUT;}
  if (now - counted_s_ > COUNT_PERIOD_S && faces_) {
    const double rate = static_cast<double>(received - counted_) / (now - counted_s_);
    if (received != counted_) {
      setStatus(Level::Ok, "Topic", QString("%1 faces, %2 a second").arg(received).arg(rate, 0, 'f', 0));
    } else {
      setStatus(
        Level::Warn, "Topic", QString("no faces on %1 for %2 s; is face_inference active? The panel or `imusic doctor` "
        "says more").arg(topic_->getTopic()).arg(now - arrived_s_, 0, 'f', 0));
    }
    counted_s_ = now;
    counted_ = received;
  }
  say_state();
  place_head();
  if (trail_shown_->getBool() && now - drawn_s_ > TRAIL_PERIOD_S) {draw_trail(now);}
}

void FaceDisplay::show_frame(const Blendshapes & message)
{
  FaceFrame frame = frame_of(message);
  frame_id_ = message.header.frame_id;
  problem_ = problem_of(frame);
  if (!problem_.empty()) {
    setStatus(Level::Error, "Face", QString::fromStdString(problem_));
    had_problem_ = true;
    return;
  }
  if (had_problem_) {
    deleteStatus("Face");
    had_problem_ = false;
  }
  frame_ = frame;
  trail_.add(now_s(), frame_.weights);
  if (!mesh_) {return;}
  if (blender_->move_to(frame_.weights)) {
    mesh_->move_to(*blender_);
    place_sensors();
  }
  if (tint_->getBool() && now_s() - colored_s_ > COLOR_PERIOD_S) {
    bool same = true;
    for (std::size_t i = 0; i < SHAPES; ++i) {
      same = same && std::abs(frame_.confidence[i] - tinted_[i]) < SAME_CONFIDENCE;
    }
    if (!same) {color_face();}
  }
}

void FaceDisplay::color_face()
{
  const QColor skin = skin_->getColor();
  tinted_ = frame_.confidence;
  colored_s_ = now_s();
  mesh_->set_colors(
    vertex_colors(
      *rig_, {static_cast<float>(skin.redF()), static_cast<float>(skin.greenF()), static_cast<float>(skin.blueF())},
      tint_->getBool() ? doubt_->at(frame_.confidence) : std::vector<float>{}));
}

void FaceDisplay::draw_trail(double now)
{
  drawn_s_ = now;
  if (overlay_) {overlay_->draw(trail_, now);}
}

void FaceDisplay::place_head()
{
  if (frame_id_.empty()) {return;}
  Ogre::Vector3 position;
  Ogre::Quaternion orientation;
  auto * frames = context_->getFrameManager();
  if (!frames->getTransform(frame_id_, position, orientation)) {
    scene_node_->setVisible(false);
    std::string why;
    frames->transformHasProblems(frame_id_, why);
    setStatusStd(
      Level::Error, "Transform",
      "expected a transform from " + frame_id_ + " to " + fixed_frame_.toStdString() +
      ", found none; set the fixed frame to " + frame_id_ + ", or publish the transform. " + why.substr(0, 200));
    return;
  }
  setStatus(Level::Ok, "Transform", "OK");
  scene_node_->setVisible(true);
  change_sensors();
  text_node_->setVisible(state_shown_->getBool() && said_ != State::TRACKING);
  scene_node_->setPosition(position);
  scene_node_->setOrientation(orientation);
  const int by = turn_->getOptionInt();
  const bool turned = by == BY_MESSAGE || (by == AUTO && frame_id_ == fixed_frame_.toStdString());
  head_node_->setOrientation(
    turned ? to_ogre(front_.turn(frame_.head, now_s())) : Ogre::Quaternion::IDENTITY);
}

void FaceDisplay::say_state()
{
  if (frame_.state == said_) {return;}
  said_ = frame_.state;
  text_node_->setPosition(0.0F, 0.0F, 0.16F);
  if (said_ != State::TRACKING) {text_->setCaption(state_text(said_));}
  text_node_->setVisible(state_shown_->getBool() && said_ != State::TRACKING);
}

// Sensors.

void FaceDisplay::clear_sensors()
{
  for (Shown & sensor : sensors_) {
    sensor.label_node->detachAllObjects();
    scene_manager_->destroySceneNode(sensor.label_node);
  }
  sensors_.clear();
}

void FaceDisplay::show_layout()
{
  clear_sensors();
  if (!rig_ || !layout_) {return;}
  if (layout_->sensors.size() > MOST_SENSORS) {
    say_lasting(
      Level::Error, "Layout", QString("expected at most %1 sensors, found %2; look at who publishes imu/layout").arg(
        MOST_SENSORS).arg(layout_->sensors.size()));
    return;
  }
  std::string left_out;
  std::size_t failed = 0;
  for (std::size_t i = 0; i < layout_->sensors.size(); ++i) {
    const auto & mount = layout_->sensors[i];
    const auto & p = mount.skull_pose.position;
    const auto & q = mount.skull_pose.orientation;
    const bool on_skull = mount.reference || p.x != 0.0 || p.y != 0.0 || p.z != 0.0;
    try {
      Board board = on_skull ? Board({{p.x, p.y, p.z}, {q.x, q.y, q.z, q.w}}) :
        Board(*rig_, mount.place[0], mount.place[1]);
      auto cube = std::make_unique<rviz_rendering::Shape>(rviz_rendering::Shape::Cube, scene_manager_, head_node_);
      cube->setScale({BOARD_M[0], BOARD_M[1], BOARD_M[2]});
      auto label = std::make_unique<rviz_rendering::MovableText>(
        label_of(mount.name), "Liberation Sans", 0.005F);
      label->setTextAlignment(rviz_rendering::MovableText::H_CENTER, rviz_rendering::MovableText::V_ABOVE);
      label->setColor(Ogre::ColourValue(0.15F, 0.17F, 0.2F));
      label->showOnTop(true);  // the skin beside a board would cut its name
      Ogre::SceneNode * node = head_node_->createChildSceneNode();
      node->attachObject(label.get());
      sensors_.push_back({i, std::move(board), std::move(cube), node, std::move(label)});
    } catch (const PlaceError & error) {
      if (++failed == 1) {left_out = mount.name.substr(0, 40) + ": " + error.what();}
    }
  }
  if (failed > 0) {
    say_lasting(
      Level::Warn, "Layout", QString("%1 of %2 sensors are not drawn: %3").arg(failed).arg(
        layout_->sensors.size()).arg(QString::fromStdString(left_out)));
  } else {
    say_lasting(
      Level::Ok, "Layout", QString("%1: %2 sensors").arg(QString::fromStdString(layout_->name.substr(0, 60))).arg(
        layout_->sensors.size()));
  }
  place_sensors();
  show_health();
  change_sensors();
}

void FaceDisplay::show_health()
{
  const bool told = sensor_states_ && layout_ && sensor_states_->layout_id == layout_->layout_id &&
    sensor_states_->status.size() == layout_->sensors.size();
  for (const Shown & sensor : sensors_) {
    const auto health = told ? health_of(sensor_states_->status[sensor.index]) :
      layout_->sensors[sensor.index].present ? SensorHealth::VALID : SensorHealth::MISSING;
    const auto [r, g, b] = health_color(health);
    sensor.cube->setColor(r, g, b, 1.0F);
  }
}

void FaceDisplay::place_sensors()
{
  if (sensors_.empty() || !rig_) {return;}
  const auto active = activations(*rig_, frame_.weights);
  for (const Shown & sensor : sensors_) {
    const BoardPose pose = sensor.board.pose(active);
    sensor.cube->setPosition(to_ogre(pose.position));
    sensor.cube->setOrientation(to_ogre(pose.orientation));
    sensor.label_node->setPosition(to_ogre(pose.position) + Ogre::Vector3(0.006F, 0.0F, 0.004F));
  }
}

}  // namespace imusic_rviz

PLUGINLIB_EXPORT_CLASS(imusic_rviz::FaceDisplay, rviz_common::Display)
