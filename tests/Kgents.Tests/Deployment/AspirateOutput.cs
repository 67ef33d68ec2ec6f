namespace Kgents.Tests.Deployment;

/// <summary>
/// What aspirate 9.1.0 makes of the manifest, by its own templates (deployment.hbs, service.hbs, kustomization.hbs): aspirate itself is not run here.
/// </summary>
internal static class AspirateOutput
{
    public static void Write(string directory, IEnumerable<string> services)
    {
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(directory).FullName, "namespace.yaml"), "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: kgents\n");
        File.WriteAllText(Path.Combine(directory, "kustomization.yaml"), $"namespace: kgents\n\nresources:\n- namespace.yaml\n{string.Concat(services.Select(service => $"- {service}\n"))}");
        foreach (var service in services)
        {
            var own = Directory.CreateDirectory(Path.Combine(directory, service)).FullName;
            File.WriteAllText(Path.Combine(own, "deployment.yaml"), Deployment(service));
            File.WriteAllText(Path.Combine(own, "service.yaml"), Service(service));
            File.WriteAllText(Path.Combine(own, "kustomization.yaml"), Kustomization(service));
            File.WriteAllText(Path.Combine(own, $".{service}.secrets"), "ConnectionStrings__nats=tls://user:password@nats:4222\n");
        }
    }

    private static string Deployment(string name) => $"""
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: {name}
          labels:
            app: {name}
        spec:
          minReadySeconds: 60
          replicas: 1
          selector:
            matchLabels:
              app: {name}
          strategy:
            type: Recreate
          template:
            metadata:
              labels:
                app: {name}
            spec:
              containers:
              - name: {name}
                image: registry.example/kgents-{name}:1.0
                imagePullPolicy: IfNotPresent
                ports:
                - name: http
                  containerPort: 8080
                - name: https
                  containerPort: 8443
                envFrom:
                - configMapRef:
                    name: {name}-env
                - secretRef:
                    name: {name}-secrets
              terminationGracePeriodSeconds: 180
        """;

    private static string Service(string name) => $"""
        ---
        apiVersion: v1
        kind: Service
        metadata:
          name: {name}
        spec:
          type: ClusterIP
          selector:
            app: {name}
          ports:
          - name: http
            port: 8080
            targetPort: 8080
        """;

    private static string Kustomization(string name) => $"""
        namespace: kgents

        resources:
        - deployment.yaml
        - service.yaml

        generatorOptions:
          disableNameSuffixHash: true

        configMapGenerator:
        - name: {name}-env
          literals:
            - OTEL_SERVICE_NAME={name}
            - ASPNETCORE_URLS=http://+:8080;

        secretGenerator:
        - name: {name}-secrets
          envs:
          - .{name}.secrets
        """;
}
