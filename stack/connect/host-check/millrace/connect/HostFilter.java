/** Answers 403 to every request without exactly one allowed `Host`: before its path is looked at, and before its login is. */
package millrace.connect;

import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;

@PreMatching
public final class HostFilter implements ContainerRequestFilter {
  /** The shape of Connect's own errors. What was sent is not repeated: it is not ours. */
  private static final String REFUSAL =
      "{\"error_code\":403,\"message\":\"This Kafka Connect does not answer to the Host of the request. Call it by a loopback"
          + " address, or add the name to the worker's "
          + AllowedHosts.PROPERTY
          + ".\"}";

  private final AllowedHosts hosts;

  HostFilter(AllowedHosts hosts) {
    this.hosts = hosts;
  }

  @Override
  public void filter(ContainerRequestContext request) {
    List<String> given = request.getHeaders().get(HttpHeaders.HOST);
    if (given != null && given.size() == 1 && hosts.allow(given.get(0))) return;
    request.abortWith(
        Response.status(Response.Status.FORBIDDEN).type(MediaType.APPLICATION_JSON_TYPE).entity(REFUSAL).build());
  }
}
