// A door lock for Gatehouse on an ESP32 or ESP8266: says its temperature, opens on `unlock`.
//
// Libraries (Arduino library manager): PubSubClient 2.8, ArduinoJson 7.
// Fill in config.h with what "Add device" shows; nothing else needs a change.
//
// The rules of the protocol that matter for a lock are all here: a command is carried out once,
// only in time, only with the right signature, never if it is from before this boot, and the
// answer is "done" only when the bolt has moved.

#include "config.h"
#include "signature.h"

#include <ArduinoJson.h>
#include <PubSubClient.h>
#include <sys/time.h>
#include <time.h>
#if defined(ESP8266)
#include <ESP8266WiFi.h>
#else
#include <WiFi.h>
#endif

#define BASE NAMESPACE "/" CONTROLLER_ID

const unsigned long READING_EVERY_MS = 5000;
const unsigned long BOLT_MS = 700;
const long long CLOCK_IS_SET_MS = 1735689600000LL;  // 2025-01-01; before: no answer from NTP
const long long MAY_BE_AHEAD_MS = 60000;            // the server's clock, of ours
const int REMEMBERED = 64;

WiFiClient net;
PubSubClient mqtt(net);

char remembered[REMEMBERED][37];  // ids of commands, a ring
int nextRemembered = 0;
long long startedMs = 0;          // older commands are from before this boot

char openingFor[37] = "";         // id of the command under way
unsigned long boltSince = 0;

unsigned long lastReading = 0, lastTry = 0, waitMs = 500;

long long nowMs() {
  struct timeval now;
  gettimeofday(&now, nullptr);
  return now.tv_sec * 1000LL + now.tv_usec / 1000;
}

bool isUuid(const char* id) {
  return strlen(id) == 36 && strspn(id, "0123456789abcdef-") == 36;
}

bool seenBefore(const char* id) {
  for (int i = 0; i < REMEMBERED; i++)
    if (strcmp(remembered[i], id) == 0) return true;
  strlcpy(remembered[nextRemembered], id, sizeof remembered[0]);
  nextRemembered = (nextRemembered + 1) % REMEMBERED;
  return false;
}

void answer(const char* id, const char* status, const char* detail) {
  char text[160];
  snprintf(text, sizeof text, "{\"id\":\"%s\",\"status\":\"%s\",\"detail\":\"%s\"}", id, status, detail);
  mqtt.publish(BASE "/commands/ack", text);
}

// The text that the server signed: id|name|params|issued|expires.  The parts are taken as the
// server wrote them: keys sorted, no spaces, times as whole milliseconds.
bool signedByServer(JsonDocument& command) {
  char params[512], issued[24], expires[24], text[700];
  serializeJson(command["params"], params, sizeof params);
  serializeJson(command["issued"], issued, sizeof issued);
  serializeJson(command["expires"], expires, sizeof expires);
  int length = snprintf(text, sizeof text, "%s|%s|%s|%s|%s", command["id"] | "", command["name"] | "",
                        params, issued, expires);
  if (length < 0 || length >= (int)sizeof text) return false;
  return sameSignature(COMMAND_KEY, text, command["sig"] | "");
}

void onCommand(char*, byte* payload, unsigned int length) {
  JsonDocument command;
  if (deserializeJson(command, payload, length)) return;
  const char* id = command["id"] | "";
  if (!isUuid(id)) return;
  if (!signedByServer(command)) return answer(id, "refused", "the signature is wrong");
  long long now = nowMs(), issued = command["issued"], expires = command["expires"];
  if (now < CLOCK_IS_SET_MS) return answer(id, "refused", "my clock is not set");
  if (issued > now + MAY_BE_AHEAD_MS) return answer(id, "refused", "my clock is behind");
  if (now >= expires) return answer(id, "refused", "too late");
  if (issued < startedMs) return;
  if (seenBefore(id)) return;
  if (strcmp(command["name"] | "", "unlock") != 0) return answer(id, "refused", "cannot do that");
  if (openingFor[0]) return answer(id, "refused", "it is opening already");
  strlcpy(openingFor, id, sizeof openingFor);
  digitalWrite(RELAY_PIN, HIGH);
  boltSince = millis();
}

void moveBolt() {
  if (!openingFor[0] || millis() - boltSince < BOLT_MS) return;
  digitalWrite(RELAY_PIN, LOW);
  answer(openingFor, "done", "");
  openingFor[0] = 0;
}

void sayReading() {
  if (millis() - lastReading < READING_EVERY_MS) return;
  lastReading = millis();
  char text[64];
  snprintf(text, sizeof text, "{\"temperature\":%.2f,\"rssi\":%d}", readTemperature(), WiFi.RSSI());
  mqtt.publish(BASE "/telemetry", text);
}

// Tries again after half a second, one, two ... a minute, each drawn at random below that, so that
// all devices do not come back in the same moment.
void connectAgain() {
  if (WiFi.status() != WL_CONNECTED || millis() - lastTry < waitMs) return;
  lastTry = millis();
  waitMs = min(60000UL, waitMs * 2) / 2 + random(min(60000UL, waitMs * 2) / 2);
  // user name twice: the broker takes it as the client id anyway
  if (!mqtt.connect(USERNAME, USERNAME, PASSWORD, BASE "/status", 1, true, "offline")) return;
  waitMs = 500;
  mqtt.subscribe(BASE "/commands", 1);  // first: who says "online" must hear what is said to it
  mqtt.publish(BASE "/status", "online", true);
  mqtt.publish(BASE "/status", "{\"online\":true,\"firmware\":\"" FIRMWARE "\"}", true);
}

void setup() {
  pinMode(RELAY_PIN, OUTPUT);
  digitalWrite(RELAY_PIN, LOW);
  WiFi.mode(WIFI_STA);
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
  configTime(0, 0, NTP_SERVER);
  mqtt.setServer(MQTT_HOST, MQTT_PORT);
  mqtt.setBufferSize(1024);
  mqtt.setKeepAlive(30);
  mqtt.setCallback(onCommand);
}

void loop() {
  if (!startedMs && nowMs() > CLOCK_IS_SET_MS) startedMs = nowMs();
  if (!mqtt.connected()) connectAgain();
  mqtt.loop();
  moveBolt();
  if (mqtt.connected()) sayReading();
}
