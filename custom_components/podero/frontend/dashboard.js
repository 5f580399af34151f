// Strategies for a dashboard and a section. The action podero.get_dashboard generates the
// cards each time, so they follow new versions and new cars.

const DOMAIN = "podero";

async function localize(hass, category, key, placeholders) {
  const text = await hass.loadBackendTranslation(category, DOMAIN);
  return text(`component.${DOMAIN}.${category}.${key}`, placeholders);
}

async function views(hass, { device_id }) {
  const { response } = await hass.callWS({
    type: "call_service",
    domain: DOMAIN,
    service: "get_dashboard",
    service_data: device_id ? { device_id } : {},
    return_response: true,
  });
  return response.views;
}

async function reason(hass, error) {
  const key = error.translation_domain === DOMAIN && error.translation_key;
  const text =
    key && (await localize(hass, "exceptions", `${key}.message`, error.translation_placeholders));
  return { type: "markdown", content: text || error.message };
}

// Regenerated when entities change, and when an outage, whose reason is shown, begins or ends.
class Strategy extends HTMLElement {
  static shouldRegenerate(config, before, now) {
    if (before.entities !== now.entities || before.devices !== now.devices) return true;
    if (before.states === now.states) return false;
    const isOut = ({ states }, id) => states[id]?.state === "unavailable";
    return Object.values(now.entities).some(
      ({ platform, entity_id: id }) => platform === DOMAIN && isOut(before, id) !== isOut(now, id),
    );
  }
}

class Dashboard extends Strategy {
  // There is nothing to configure: the frontend offers to take control instead.
  static noEditor = true;

  static async generate(config, hass) {
    try {
      return { views: await views(hass, config) };
    } catch (error) {
      return { views: [{ cards: [await reason(hass, error)] }] };
    }
  }

  static async getCreateSuggestions(hass) {
    return { title: await localize(hass, "common", "dashboard_title"), icon: "mdi:car-electric" };
  }
}

class Section extends Strategy {
  static async generate(config, hass) {
    try {
      return { type: "grid", cards: (await views(hass, config)).flatMap(firstCards) };
    } catch (error) {
      return { type: "grid", cards: [await reason(hass, error)] };
    }
  }

  static getStubConfig() {
    return { type: `custom:${DOMAIN}` };
  }
}

// The cards of the sections "Now" and "Needs attention", under the name of the car. "Now" comes
// first: the dialog that offers the section previews the first cards, even hidden ones.
function firstCards({ title, sections: [attention, now] }) {
  const [heading] = now.cards;
  const cards = [...now.cards, ...attention.cards].filter(({ type }) => type !== "heading");
  return [{ ...heading, heading: title }, ...cards];
}

function offer(strategyType, strategy, description) {
  customElements.define(`ll-strategy-${strategyType}-${DOMAIN}`, strategy);
  window.customStrategies.push({
    type: DOMAIN,
    strategyType,
    name: "Podero",
    // The dialog reads it on every render, and renders again once the translation is loaded.
    get description() {
      const { hass } = document.querySelector("home-assistant");
      hass.loadBackendTranslation("common", DOMAIN);
      return hass.localize(`component.${DOMAIN}.common.${description}`);
    },
  });
}

// Home Assistant replaces the custom element registry while it loads: define after that.
customElements.whenDefined("home-assistant").then(() => {
  window.customStrategies ??= [];
  offer("dashboard", Dashboard, "dashboard_description");
  offer("section", Section, "section_description");
});
