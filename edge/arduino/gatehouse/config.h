// What only you know.  "Add device" shows the lower half once.
#pragma once

#define WIFI_NAME "your network"
#define WIFI_PASSWORD "its password"
#define NTP_SERVER "pool.ntp.org"  // a clock is needed: late commands are not carried out
#define RELAY_PIN 5
#define FIRMWARE "example 1.0"

#define MQTT_HOST "192.168.1.10"
#define MQTT_PORT 1883
#define NAMESPACE "gatehouse"
#define CONTROLLER_ID "front-door-x7k2"
#define USERNAME "d0000000000000000"
#define PASSWORD "the MQTT password"
#define COMMAND_KEY "the command key"

inline float readTemperature() {
  return 21.5;  // read your sensor here
}
