// A strip graph of chosen weights over the 3D view.
#pragma once

#include <OgreTexture.h>

#include <QImage>

#include <string>

#include "core/trail.hpp"

namespace Ogre
{
class Overlay;
class PanelOverlayElement;
}  // namespace Ogre

namespace imusic_rviz
{

class TrailOverlay
{
public:
  TrailOverlay();
  ~TrailOverlay();
  TrailOverlay(const TrailOverlay &) = delete;
  TrailOverlay & operator=(const TrailOverlay &) = delete;

  void place(int left, int top);  // pixels from left and top; negative: from right and bottom
  void show(bool on);
  void draw(const WeightTrail & trail, double now_s);

private:
  std::string name_;
  Ogre::Overlay * overlay_ = nullptr;
  Ogre::PanelOverlayElement * panel_ = nullptr;
  Ogre::TexturePtr texture_;
  QImage image_;
};

// Colour of the n-th line, the same in graph and legend.
QRgb trail_color(std::size_t index);

}  // namespace imusic_rviz
