using Kgents.AppHost;

var builder = DistributedApplication.CreateBuilder(args);

var nats = builder.AddNatsBackbone("nats");
var openMeter = builder.AddOpenMeterBackend("openmeter");
var llm = builder.AddOptionalConnectionString("llm");

builder.AddProject<Projects.Kgents_Api>("api")
    .WithReference(nats).WaitFor(nats)
    .WithSettings("Model")
    .WithHttpHealthCheck("/health/ready")
    .WithExternalHttpEndpoints();

builder.AddProject<Projects.Kgents_Streaming>("streaming")
    .WithReference(nats).WaitFor(nats)
    .WithOptionalReference(llm)
    .WithSettings("Model")
    .WithHttpHealthCheck("/health/ready")
    .WithReplicas(2);

builder.AddProject<Projects.Kgents_Metering>("metering")
    .WithReference(nats).WaitFor(nats)
    .WithOptionalReference(openMeter)
    .WithHttpHealthCheck("/health/ready");

builder.Build().Run();
