#include "trail_overlay.hpp"

#include <OgreHardwarePixelBuffer.h>
#include <OgreMaterialManager.h>
#include <OgreOverlay.h>
#include <OgreOverlayManager.h>
#include <OgrePanelOverlayElement.h>
#include <OgrePass.h>
#include <OgreTechnique.h>
#include <OgreTextureManager.h>

#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace imusic_rviz
{
namespace
{

const char GROUP[] = "rviz_rendering";
constexpr int WIDTH = 420;
constexpr int HEIGHT = 150;
constexpr int LEGEND = 132;

}  // namespace

QRgb trail_color(std::size_t index)
{
  // Okabe and Ito's colours, which people with any colour vision tell apart.
  static constexpr std::array<QRgb, 8> COLORS = {
    0xFF56B4E9, 0xFFE69F00, 0xFF009E73, 0xFFCC79A7, 0xFFF0E442, 0xFFD55E00, 0xFF0072B2, 0xFFDDDDDD};
  return COLORS[index % COLORS.size()];
}

TrailOverlay::TrailOverlay()
: image_(WIDTH, HEIGHT, QImage::Format_ARGB32)
{
  static int number = 0;
  name_ = "imusic_trail_" + std::to_string(++number);
  texture_ = Ogre::TextureManager::getSingleton().createManual(
    name_, GROUP, Ogre::TEX_TYPE_2D, WIDTH, HEIGHT, 0, Ogre::PF_A8R8G8B8, Ogre::TU_DEFAULT);
  Ogre::MaterialPtr material = Ogre::MaterialManager::getSingleton().create(name_, GROUP);
  Ogre::Pass * pass = material->getTechnique(0)->getPass(0);
  pass->setLightingEnabled(false);
  pass->setDepthCheckEnabled(false);
  pass->setDepthWriteEnabled(false);
  pass->setSceneBlending(Ogre::SBT_TRANSPARENT_ALPHA);
  pass->createTextureUnitState(name_);
  auto & overlays = Ogre::OverlayManager::getSingleton();
  overlay_ = overlays.create(name_);
  panel_ = static_cast<Ogre::PanelOverlayElement *>(overlays.createOverlayElement("Panel", name_));
  panel_->setMetricsMode(Ogre::GMM_PIXELS);
  panel_->setDimensions(WIDTH, HEIGHT);
  panel_->setMaterialName(name_, GROUP);
  overlay_->add2D(panel_);
  place(10, -10);
}

TrailOverlay::~TrailOverlay()
{
  auto & overlays = Ogre::OverlayManager::getSingleton();
  overlay_->remove2D(panel_);
  overlays.destroyOverlayElement(panel_);
  overlays.destroy(overlay_);
  Ogre::MaterialManager::getSingleton().remove(name_, GROUP);
  Ogre::TextureManager::getSingleton().remove(texture_->getHandle());
}

void TrailOverlay::place(int left, int top)
{
  panel_->setHorizontalAlignment(left < 0 ? Ogre::GHA_RIGHT : Ogre::GHA_LEFT);
  panel_->setVerticalAlignment(top < 0 ? Ogre::GVA_BOTTOM : Ogre::GVA_TOP);
  panel_->setPosition(
    static_cast<float>(left < 0 ? left - WIDTH : left), static_cast<float>(top < 0 ? top - HEIGHT : top));
}

void TrailOverlay::show(bool on)
{
  if (on) {
    overlay_->show();
  } else {
    overlay_->hide();
  }
}

void TrailOverlay::draw(const WeightTrail & trail, double now_s)
{
  image_.fill(0xD8202428);
  QPainter painter(&image_);
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF plot(8, 8, WIDTH - LEGEND - 16, HEIGHT - 16);
  painter.setPen(QColor(255, 255, 255, 60));
  for (const double share : {0.0, 0.5, 1.0}) {
    const double y = plot.bottom() - share * plot.height();
    painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y));
  }
  QFont font = painter.font();
  font.setPixelSize(11);
  painter.setFont(font);
  painter.setClipRect(QRectF(0, 0, WIDTH, HEIGHT));
  for (std::size_t k = 0; k < trail.shapes().size(); ++k) {
    painter.setPen(QPen(QColor(trail_color(k)), 1.6));
    QPainterPath path;
    bool drawing = false;
    double last_s = 0.0;
    for (const auto & point : trail.of(k)) {
      // What is not finite, or comes after a pause, begins a new line.
      const bool joined = drawing && point.time_s - last_s < 0.5;
      last_s = point.time_s;
      drawing = std::isfinite(point.weight);
      if (!drawing) {continue;}
      const double x = plot.right() - (now_s - point.time_s) / trail.window_s() * plot.width();
      const double y = plot.bottom() - std::clamp(static_cast<double>(point.weight), -0.05, 1.05) * plot.height();
      if (x < plot.left()) {
        drawing = false;
        continue;
      }
      if (joined) {
        path.lineTo(x, y);
      } else {
        path.moveTo(x, y);
      }
    }
    painter.drawPath(path);
    const std::string name(SHAPE_NAMES[trail.shapes()[k]]);
    const double middle = 16.0 + 16.0 * static_cast<double>(k);
    painter.fillRect(QRectF(WIDTH - LEGEND, middle - 4, 10, 8), QColor(trail_color(k)));
    painter.setPen(QColor(240, 240, 240));
    painter.drawText(QPointF(WIDTH - LEGEND + 14, middle + 4), QString::fromStdString(name));
  }
  painter.end();
  const Ogre::HardwarePixelBufferSharedPtr pixels = texture_->getBuffer();
  pixels->lock(Ogre::HardwareBuffer::HBL_DISCARD);
  const Ogre::PixelBox & box = pixels->getCurrentLock();
  for (int row = 0; row < HEIGHT; ++row) {
    std::memcpy(static_cast<std::uint8_t *>(box.data) + static_cast<std::size_t>(row) * box.rowPitch * 4,
                image_.constScanLine(row), WIDTH * 4);
  }
  pixels->unlock();
}

}  // namespace imusic_rviz
