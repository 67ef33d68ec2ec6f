using Kgents.ServiceDefaults;
using Kgents.Streaming;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("kgents-streaming");
builder.AddKgentsStreaming();

var app = builder.Build();
app.MapDefaultEndpoints();
app.Run();
