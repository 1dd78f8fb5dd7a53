/**
 * Has Connect's REST refuse requests that came by a foreign name, whatever login they carry: a page whose name points to this
 * machine (DNS rebinding) sends that name as its `Host`. Named in `rest.extension.classes` of the worker; stack/install compiles it.
 */
package millrace.connect;

import java.util.Map;
import org.apache.kafka.connect.rest.ConnectRestExtension;
import org.apache.kafka.connect.rest.ConnectRestExtensionContext;

public final class HostCheck implements ConnectRestExtension {
  private AllowedHosts hosts;

  @Override
  public void configure(Map<String, ?> worker) {
    hosts = AllowedHosts.of(worker);
  }

  @Override
  public void register(ConnectRestExtensionContext context) {
    context.configurable().register(new HostFilter(hosts));
  }

  @Override
  public String version() {
    return "1";
  }

  @Override
  public void close() {}
}
